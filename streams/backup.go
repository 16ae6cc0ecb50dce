// Backup and restore: both logs of a data directory are copied, message by message, into new streams; the old files stay as they are.

package streams

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"onsale/domain"
)

// hashChain checks that each event follows from the one before it.
type hashChain struct{ hash domain.Hash }

func (c *hashChain) check(m *storedMessage) error {
	record, err := m.record()
	if err != nil {
		return err
	}
	if next := c.hash.Next(record.Subject, record.Payload); next != record.Hash {
		return fmt.Errorf("%w: event %d in EVENTS does not follow from the one before it: it was altered, or another program published it", ErrDamaged, m.number)
	}
	c.hash = record.Hash
	return nil
}

// record is a message of EVENTS as an event.
func (m *storedMessage) record() (domain.Record, error) {
	hash, err := m.hash()
	if err != nil {
		return domain.Record{}, fmt.Errorf("%w: event %d in EVENTS has no hash: another program published it: %w", ErrDamaged, m.number, err)
	}
	return domain.Record{Number: m.number, Subject: m.subject, Payload: m.payload, Hash: hash}, nil
}

var hashStart = []byte("\r\n" + hashHeader + ": ")

// hash is what the header of an event says.
func (m *storedMessage) hash() (domain.Hash, error) {
	if _, rest, ok := bytes.Cut(m.header, hashStart); ok { // as onsale writes it: without decoding all fields
		text, _, _ := bytes.Cut(rest, []byte("\r"))
		if hash, err := parseHash(string(text)); err == nil {
			return hash, nil
		}
	}
	header, err := nats.DecodeHeadersMsg(m.header)
	if err != nil {
		return domain.Hash{}, err
	}
	return parseHash(header.Get(hashHeader))
}

// streamWriter writes a stream as a new directory: its blocks, and the configuration of the stream that it copies. All blocks but the last
// are compressed if the stream is.
type streamWriter struct {
	compress    bool
	prefix      prefix
	stream, dir string // the stream with its prefix
	block       int
	buffer      []byte
	checksum    *highwayhash.Digest64
}

func newStreamWriter(p prefix, stream string, from *blockReader, dir string) (*streamWriter, error) {
	if err := os.MkdirAll(filepath.Join(dir, "msgs"), 0o750); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(from.dir, metaFile))
	if err == nil && p != from.prefix {
		content, err = renameStream(content, from.prefix, p)
	}
	if err != nil {
		return nil, err
	}
	var config struct {
		Compression server.StoreCompression `json:"compression"`
	}
	if err := json.Unmarshal(content, &config); err != nil {
		return nil, err
	}
	name := p.stream(stream)
	err = errors.Join(writeSynced(filepath.Join(dir, metaFile), content), writeSynced(filepath.Join(dir, metaSumFile), []byte(metaSum(name, content))))
	return &streamWriter{compress: config.Compression == server.S2Compression, prefix: p, stream: name, dir: dir, block: 1, checksum: newChecksum(name, 1)}, err
}

// renameStream gives the configuration of a stream another prefix.
func renameStream(meta []byte, from, to prefix) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(meta, &fields); err != nil {
		return nil, err
	}
	var name string
	var subjects []string
	if err := errors.Join(json.Unmarshal(fields["name"], &name), json.Unmarshal(fields["subjects"], &subjects)); err != nil {
		return nil, err
	}
	if from != "" {
		name = strings.TrimPrefix(name, string(from)+"_")
	}
	for i, s := range subjects {
		subjects[i] = to.subject(from.trim(s))
	}
	fields["name"], _ = json.Marshal(to.stream(name)) // of strings
	fields["subjects"], _ = json.Marshal(subjects)
	return json.Marshal(fields)
}

func (w *streamWriter) append(m *storedMessage) error {
	if len(w.buffer) >= newBlockBytes {
		if err := w.flush(w.compress); err != nil {
			return err
		}
	}
	subject := w.prefix.subject(m.subject)
	size := recordHeadBytes + len(subject) + len(m.payload) + checksumBytes
	length := uint32(size)
	if len(m.header) > 0 {
		size += 4 + len(m.header)
		length = uint32(size) | headerBit
	}
	b := binary.LittleEndian.AppendUint32(w.buffer, length)
	start := len(w.buffer)
	b = binary.LittleEndian.AppendUint64(b, m.number)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.at))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(subject)))
	b = append(b, subject...)
	w.checksum.Reset()
	w.checksum.Write(b[start+4 : start+20])
	w.checksum.Write(b[start+recordHeadBytes:])
	if len(m.header) > 0 {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(m.header)))
		b = append(b, m.header...)
		w.checksum.Write(m.header)
	}
	b = append(b, m.payload...)
	w.checksum.Write(m.payload)
	w.buffer = w.checksum.Sum(b)
	return nil
}

// close writes the last block, to which nats-server appends.
func (w *streamWriter) close() error { return w.flush(false) }

func (w *streamWriter) flush(compress bool) (err error) {
	if len(w.buffer) == 0 {
		return nil
	}
	file := w.buffer
	if compress {
		if file, err = compressBlock(file); err != nil {
			return err
		}
	}
	err = writeSynced(blockPath(w.dir, w.block), file)
	w.buffer, w.block = w.buffer[:0], w.block+1
	w.checksum = newChecksum(w.stream, w.block)
	return err
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// Copied is what a backup or a restore has copied.
type Copied struct {
	Epoch            string
	Messages, Events uint64 // of COMMANDS and of EVENTS
}

// copyLogs copies both logs, which a node may be writing. EVENTS is read first: COMMANDS then has what its events answer, and
// commands after them are decided again when the copy is used.
func copyLogs(ctx context.Context, from string, p prefix, to string, toPrefix prefix) (copied Copied, err error) {
	var chain hashChain
	var lastEvent domain.Event
	copied.Events, err = copyStream(ctx, newBlockReader(from, p, eventsStream), newTarget(to, toPrefix, eventsStream), func(m *storedMessage) error {
		if err := chain.check(m); err != nil {
			return err
		}
		lastEvent, err = DecodeEvent(domain.Record{Number: m.number, Subject: m.subject, Payload: m.payload})
		return err
	})
	if err != nil {
		return copied, err
	}
	copied.Messages, err = copyStream(ctx, newBlockReader(from, p, commandsStream), newTarget(to, toPrefix, commandsStream), func(*storedMessage) error { return nil })
	if err == nil && copied.Messages < lastEvent.Sequence/domain.SequencesPerMessage {
		err = fmt.Errorf("COMMANDS ends at message %d, and the last event answers command %d: start the node on this directory once, it completes the logs",
			copied.Messages, lastEvent.Sequence)
	}
	return copied, err
}

// target is where a stream is written to.
type target struct {
	prefix prefix
	stream string // without the prefix
	dir    string
}

func newTarget(dir string, p prefix, stream string) target {
	return target{p, stream, filepath.Join(dir, "jetstream", "$G", "streams", p.stream(stream))}
}

func copyStream(ctx context.Context, r *blockReader, to target, visit func(*storedMessage) error) (last uint64, err error) {
	if err := checkMeta(r.stream, r.dir); err != nil {
		return 0, err
	}
	w, err := newStreamWriter(to.prefix, to.stream, r, to.dir)
	if err != nil {
		return 0, err
	}
	err = r.read(ctx, func(m *storedMessage) error {
		if len(r.damage) > 0 {
			return r.damage[0]
		}
		if err := visit(m); err != nil {
			return err
		}
		return w.append(m)
	})
	// Damage at the end is what the node is writing at this moment, or what a power loss has torn.
	return r.last.number, errors.Join(err, w.close())
}

// Backup copies both logs of a data directory, which a node may be using, into a new directory. They keep their prefix.
func Backup(ctx context.Context, from, namePrefix, to string) (Copied, error) {
	var copied Copied
	p := prefix(namePrefix)
	for _, stream := range []string{eventsStream, commandsStream} {
		if streamPath(from, p.stream(stream)) == "" {
			return copied, noStream(from, p, stream)
		}
	}
	err := inNewDir(to, func(dir string) (err error) {
		if copied, err = copyLogs(ctx, from, p, dir, p); err != nil {
			return err
		}
		copied.Epoch, err = storedEpoch(from, p, commandsStream)
		return err
	})
	return copied, err
}

// Restore makes a new data directory from a backup, with this prefix, whatever that of the backup is. Its log has a new epoch: an event
// id of the old log is not one of the new.
func Restore(ctx context.Context, backup, to, namePrefix string, logger *slog.Logger) (Copied, error) {
	var copied Copied
	from, err := onlyPrefix(backup)
	if err != nil {
		return copied, err
	}
	if streamPath(backup, from.stream(eventsStream)) == "" {
		return copied, noStream(backup, from, eventsStream)
	}
	err = inNewDir(to, func(dir string) (err error) {
		if copied, err = copyLogs(ctx, backup, from, dir, prefix(namePrefix)); err != nil {
			return err
		}
		copied.Epoch, err = renewEpoch(ctx, dir, namePrefix, logger)
		return err
	})
	return copied, err
}

// renewEpoch gives the log of a data directory a new epoch.
func renewEpoch(ctx context.Context, dir, namePrefix string, logger *slog.Logger) (epoch string, err error) {
	l, err := Open(ctx, Config{Dir: dir, Prefix: namePrefix, ReadOnly: true, Logger: logger})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	epoch = newEpoch()
	for _, stream := range []string{commandsStream, eventsStream} {
		info, err := l.info(ctx, stream)
		if err != nil {
			return "", err
		}
		c := info.Config
		c.Metadata[epochKey] = epoch
		if _, err := l.js.UpdateStream(ctx, c); err != nil {
			return "", fmt.Errorf("stream %s: %w", stream, err)
		}
	}
	return epoch, nil
}

// inNewDir calls fill with a new directory and gives it the name path when it is complete.
func inNewDir(path string, fill func(dir string) error) error {
	entries, err := os.ReadDir(path)
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty", path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Clean(path) + ".incomplete"
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o750); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s was left by an attempt that was killed: delete it first", dir)
	} else if err != nil {
		return err
	}
	if err := fill(dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(dir, path)
}
