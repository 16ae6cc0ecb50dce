// Backup and restore: both logs of a data directory are copied, message by message, into new streams; the old files stay as they are.

package streams

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/minio/highwayhash"
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
	header, err := nats.DecodeHeadersMsg(m.header)
	if err != nil {
		return domain.Record{}, fmt.Errorf("%w: event %d in EVENTS has no hash: another program published it", ErrDamaged, m.number)
	}
	hash, err := domain.ParseHash(header.Get(hashHeader))
	if err != nil {
		return domain.Record{}, fmt.Errorf("%w: event %d in EVENTS: %w", ErrDamaged, m.number, err)
	}
	return domain.Record{Number: m.number, Subject: m.subject, Payload: m.payload, Hash: hash}, nil
}

// streamWriter writes a stream as a new directory: its blocks, and the configuration of the stream that it copies.
type streamWriter struct {
	stream, dir string
	block       int
	buffer      []byte
	checksum    *highwayhash.Digest64
}

func newStreamWriter(stream, from, dir string) (*streamWriter, error) {
	if err := os.MkdirAll(filepath.Join(dir, "msgs"), 0o750); err != nil {
		return nil, err
	}
	for _, name := range []string{metaFile, metaSumFile} {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return nil, err
		}
		if err := writeSynced(filepath.Join(dir, name), content); err != nil {
			return nil, err
		}
	}
	return &streamWriter{stream: stream, dir: dir, block: 1, checksum: newChecksum(stream, 1)}, nil
}

func (w *streamWriter) append(m *storedMessage) error {
	size := recordHeadBytes + len(m.subject) + len(m.payload) + checksumBytes
	length := uint32(size)
	if len(m.header) > 0 {
		size += 4 + len(m.header)
		length = uint32(size) | headerBit
	}
	b := binary.LittleEndian.AppendUint32(w.buffer, length)
	start := len(w.buffer)
	b = binary.LittleEndian.AppendUint64(b, m.number)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.at))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(m.subject)))
	b = append(b, m.subject...)
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
	if len(w.buffer) < newBlockBytes {
		return nil
	}
	return w.flush()
}

func (w *streamWriter) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	err := writeSynced(blockPath(w.dir, w.block), w.buffer)
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
func copyLogs(ctx context.Context, from, to string) (copied Copied, err error) {
	var chain hashChain
	var lastEvent domain.Event
	copied.Events, err = copyStream(ctx, eventsStream, from, to, func(m *storedMessage) error {
		if err := chain.check(m); err != nil {
			return err
		}
		lastEvent, err = DecodeEvent(domain.Record{Number: m.number, Subject: m.subject, Payload: m.payload})
		return err
	})
	if err != nil {
		return copied, err
	}
	copied.Messages, err = copyStream(ctx, commandsStream, from, to, func(*storedMessage) error { return nil })
	if err == nil && copied.Messages < lastEvent.Sequence/domain.SequencesPerMessage {
		err = fmt.Errorf("COMMANDS ends at message %d, and the last event answers command %d: start the node on this directory once, it completes the logs",
			copied.Messages, lastEvent.Sequence)
	}
	return copied, err
}

func copyStream(ctx context.Context, stream, from, to string, visit func(*storedMessage) error) (last uint64, err error) {
	source := streamPath(from, stream)
	if source == "" {
		return 0, fmt.Errorf("no log in %s: it has no stream %s", from, stream)
	}
	if err := checkMeta(stream, source); err != nil {
		return 0, err
	}
	target := filepath.Join(to, "jetstream", "$G", "streams", stream)
	w, err := newStreamWriter(stream, source, target)
	if err != nil {
		return 0, err
	}
	r := blockReader{stream: stream, dir: source}
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
	return r.last.number, errors.Join(err, w.flush())
}

// Backup copies both logs of a data directory, which a node may be using, into a new directory.
func Backup(ctx context.Context, from, to string) (Copied, error) {
	var copied Copied
	err := inNewDir(to, func(dir string) (err error) {
		if copied, err = copyLogs(ctx, from, dir); err != nil {
			return err
		}
		copied.Epoch, err = storedEpoch(from)
		return err
	})
	return copied, err
}

// Restore makes a new data directory from a backup. Its log has a new epoch: an event id of the old log is not one of the new.
func Restore(ctx context.Context, backup, to string, logger *slog.Logger) (Copied, error) {
	var copied Copied
	err := inNewDir(to, func(dir string) (err error) {
		if copied, err = copyLogs(ctx, backup, dir); err != nil {
			return err
		}
		copied.Epoch, err = renewEpoch(ctx, dir, logger)
		return err
	})
	return copied, err
}

// renewEpoch gives the log of a data directory a new epoch.
func renewEpoch(ctx context.Context, dir string, logger *slog.Logger) (epoch string, err error) {
	l, err := Open(ctx, Config{Dir: dir, ReadOnly: true, Logger: logger})
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
