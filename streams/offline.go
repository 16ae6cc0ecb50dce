// A data directory without its server: backup, restore and repair. All of them write a new stream from the messages of an old one
// and leave the old files as they are.

package streams

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

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
	for _, name := range []string{"meta.inf", "meta.sum"} {
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

// storedEpoch is the epoch of the log in a data directory.
func storedEpoch(dir string) (string, error) {
	content, err := os.ReadFile(filepath.Join(streamPath(dir, commandsStream), "meta.inf"))
	if err != nil {
		return "", err
	}
	var meta struct {
		Metadata map[string]string `json:"metadata"`
	}
	err = json.Unmarshal(content, &meta)
	return meta.Metadata[epochKey], err
}

// StoredLog is the log of a data directory that no node uses.
type StoredLog struct {
	dir  string
	lock *os.File
}

// OpenStored locks a data directory and leaves its log as it is.
func OpenStored(dir string) (*StoredLog, error) {
	lock, _, err := lockDir(dir, true, slog.Default())
	return &StoredLog{dir, lock}, err
}

// Close unlocks the data directory.
func (s *StoredLog) Close() error { return s.lock.Close() }

// Epoch is that of the log.
func (s *StoredLog) Epoch() (string, error) { return storedEpoch(s.dir) }

// Check returns the damages of both logs. chain is what is wrong with the hashes of EVENTS where it can be read.
func (s *StoredLog) Check(ctx context.Context) (commands, events []Damage, chain error) {
	read := func(stream string, visit func(*blockReader, *storedMessage) error) ([]Damage, error) {
		r := blockReader{stream: stream, dir: streamPath(s.dir, stream)}
		if r.dir == "" {
			return nil, fmt.Errorf("stream %s is missing in %s", stream, s.dir)
		}
		err := r.read(ctx, func(m *storedMessage) error { return visit(&r, m) })
		return r.damage, err
	}
	commands, err := read(commandsStream, func(*blockReader, *storedMessage) error { return nil })
	if err != nil {
		return nil, nil, err
	}
	var hashes hashChain
	damaged := 0
	events, err = read(eventsStream, func(r *blockReader, m *storedMessage) error {
		if len(r.damage) > damaged { // the chain begins again behind what is lost
			damaged = len(r.damage)
			record, err := m.record()
			hashes.hash = record.Hash
			return err
		}
		return hashes.check(m)
	})
	return commands, events, err
}

// Source has events that EVENTS has lost. It returns the events from first on, up to last, or as many as it has if last is 0; each
// follows from prev, the hash of the event before.
type Source func(first, last uint64, prev domain.Hash) ([]domain.Record, error)

// RepairEvents writes EVENTS anew, with the events of source where it is damaged, and puts it in the place of the damaged one, which
// it keeps under the returned path. Nothing is changed unless the hashes prove each event.
func (s *StoredLog) RepairEvents(ctx context.Context, source Source) (kept string, events uint64, err error) {
	var chain hashChain
	var w *streamWriter
	put := func(record domain.Record, at int64) error {
		header := fmt.Appendf(nil, "NATS/1.0\r\n%s: %s\r\n\r\n", hashHeader, record.Hash)
		m := storedMessage{record.Number, at, record.Subject, header, record.Payload}
		if err := chain.check(&m); err != nil {
			return err
		}
		return w.append(&m)
	}
	return s.rewrite(ctx, eventsStream, func(r *blockReader, to *streamWriter) (uint64, error) {
		w = to
		fill := func(d Damage) (uint64, error) {
			records, err := source(d.First, d.Last, chain.hash)
			if err != nil {
				return 0, err
			}
			for _, record := range records {
				if err := put(record, cmp.Or(d.before, time.Now().UnixNano())); err != nil {
					return 0, err
				}
			}
			if last := d.First + uint64(len(records)) - 1; last >= d.Last {
				return last, nil
			}
			return 0, fmt.Errorf("events %d to %d are nowhere", d.First+uint64(len(records)), d.Last)
		}
		filled := 0
		err := r.read(ctx, func(m *storedMessage) error {
			for ; filled < len(r.damage); filled++ {
				if _, err := fill(r.damage[filled]); err != nil {
					return err
				}
			}
			if err := chain.check(m); err != nil {
				return err
			}
			return w.append(m)
		})
		if err == nil && filled < len(r.damage) {
			return fill(r.damage[filled])
		}
		return r.last.number, err
	})
}

// PadCommands writes COMMANDS anew, with a no-op in place of each message that is lost, up to message last or its own end, and puts
// it in the place of the damaged one, which it keeps under the returned path.
func (s *StoredLog) PadCommands(ctx context.Context, last uint64) (kept string, messages uint64, err error) {
	noop, err := EncodeCommand(domain.Command{Entity: domain.SystemEntity, Body: domain.Noop{}})
	if err != nil {
		return "", 0, err
	}
	return s.rewrite(ctx, commandsStream, func(r *blockReader, w *streamWriter) (uint64, error) {
		written, at := uint64(0), int64(0)
		pad := func(upTo uint64) error {
			for ; written < upTo; written++ {
				if err := w.append(&storedMessage{number: written + 1, at: at, subject: commandSubject("repair"), payload: noop}); err != nil {
					return err
				}
			}
			return nil
		}
		err := r.read(ctx, func(m *storedMessage) error {
			at = cmp.Or(at, m.at) // of the message before; at the start there is none
			if err := pad(m.number - 1); err != nil {
				return err
			}
			written, at = m.number, m.at
			return w.append(m)
		})
		if err == nil {
			at = cmp.Or(at, time.Now().UnixNano())
			err = pad(last)
		}
		return written, err
	})
}

// rewrite writes a stream anew and exchanges it for the old one.
func (s *StoredLog) rewrite(ctx context.Context, stream string, write func(*blockReader, *streamWriter) (uint64, error)) (kept string, last uint64, err error) {
	from := streamPath(s.dir, stream)
	repaired := filepath.Join(s.dir, "repaired-"+stream)
	if err := os.RemoveAll(repaired); err != nil { // of an earlier attempt
		return "", 0, err
	}
	w, err := newStreamWriter(stream, from, repaired)
	if err == nil {
		last, err = write(&blockReader{stream: stream, dir: from}, w)
	}
	if err == nil {
		err = w.flush()
	}
	if err == nil { // the positions of its consumers
		err = os.CopyFS(filepath.Join(repaired, "obs"), os.DirFS(filepath.Join(from, "obs")))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		check := blockReader{stream: stream, dir: repaired}
		if err = check.read(ctx, func(*storedMessage) error { return nil }); err == nil && (len(check.damage) > 0 || check.last.number != last) {
			err = fmt.Errorf("the new %s ends at message %d, want %d, or is damaged", stream, check.last.number, last)
		}
	}
	if err != nil {
		return "", 0, errors.Join(err, os.RemoveAll(repaired))
	}
	kept = filepath.Join(s.dir, fmt.Sprintf("damaged-%s-%s", stream, time.Now().UTC().Format("20060102T150405")))
	if err := os.Rename(from, kept); err != nil {
		return "", 0, err
	}
	return kept, last, os.Rename(repaired, from)
}

// LastCommands are the last message of COMMANDS and the message of the last event's command.
type LastCommands struct{ InCommands, InEvents uint64 }

// LastCommand reads both logs.
func (s *StoredLog) LastCommand(ctx context.Context) (last LastCommands, err error) {
	r := blockReader{stream: commandsStream, dir: streamPath(s.dir, commandsStream)}
	if err := r.read(ctx, func(*storedMessage) error { return nil }); err != nil {
		return last, err
	}
	last.InCommands = r.last.number
	r = blockReader{stream: eventsStream, dir: streamPath(s.dir, eventsStream)}
	err = r.read(ctx, func(m *storedMessage) error {
		e, err := DecodeEvent(domain.Record{Number: m.number, Subject: m.subject, Payload: m.payload})
		last.InEvents = e.Sequence / domain.SequencesPerMessage
		return err
	})
	return last, err
}
