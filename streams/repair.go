// Repair of a data directory that no node uses: what is damaged is found, and a new stream is written beside the old one.

package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"onsale/domain"
)

// StoredLog is the log of a data directory that no node uses.
type StoredLog struct {
	dir    string
	prefix prefix
	lock   *os.File
}

// OpenStored locks a data directory and leaves its log as it is.
func OpenStored(dir, namePrefix string) (*StoredLog, error) {
	lock, _, err := lockDir(dir, true, slog.Default())
	return &StoredLog{dir, prefix(namePrefix), lock}, err
}

// Close unlocks the data directory.
func (s *StoredLog) Close() error { return s.lock.Close() }

// Epoch is that of the log.
func (s *StoredLog) Epoch() (string, error) { return storedEpoch(s.dir, s.prefix, commandsStream) }

// Check returns the damages of both logs. chain is what is wrong with the hashes of EVENTS where it can be read.
func (s *StoredLog) Check(ctx context.Context) (commands, events []Damage, chain error) {
	read := func(stream string, visit func(*blockReader, *storedMessage) error) ([]Damage, error) {
		r := newBlockReader(s.dir, s.prefix, stream)
		if r.dir == "" {
			return nil, noStream(s.dir, s.prefix, stream)
		}
		if err := checkMeta(r.stream, r.dir); err != nil {
			return nil, err
		}
		err := r.read(ctx, func(m *storedMessage) error { return visit(r, m) })
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
		header := fmt.Appendf(nil, "NATS/1.0\r\n%s: %s\r\n\r\n", hashHeader, shortHash(record.Hash))
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
	from := newBlockReader(s.dir, s.prefix, stream)
	repaired := repairedPath(s.dir, from.stream)
	if err := os.RemoveAll(repaired); err != nil { // of an earlier attempt
		return "", 0, err
	}
	w, err := newStreamWriter(s.prefix, stream, from, repaired)
	if err == nil {
		last, err = write(from, w)
	}
	if err == nil {
		err = w.close()
	}
	if err == nil { // the positions of its consumers
		err = os.CopyFS(filepath.Join(repaired, "obs"), os.DirFS(filepath.Join(from.dir, "obs")))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		check := blockReader{prefix: s.prefix, stream: from.stream, dir: repaired}
		if err = check.read(ctx, func(*storedMessage) error { return nil }); err == nil && (len(check.damage) > 0 || check.last.number != last) {
			err = fmt.Errorf("the new %s ends at message %d, want %d, or is damaged", stream, check.last.number, last)
		}
	}
	if err != nil {
		return "", 0, errors.Join(err, os.RemoveAll(repaired))
	}
	kept = filepath.Join(s.dir, fmt.Sprintf("damaged-%s-%s", from.stream, time.Now().UTC().Format("20060102T150405")))
	if err := os.Rename(from.dir, kept); err != nil {
		return "", 0, err
	}
	return kept, last, os.Rename(repaired, from.dir)
}

// FinishRewrites exchanges what rewrite had written when its process was killed between its two last steps. It returns the streams.
func (s *StoredLog) FinishRewrites() (finished []string, err error) {
	for _, stream := range []string{s.prefix.stream(commandsStream), s.prefix.stream(eventsStream)} {
		repaired := repairedPath(s.dir, stream)
		kept, _ := filepath.Glob(filepath.Join(s.dir, "damaged-"+stream+"-*"))
		homes, _ := filepath.Glob(filepath.Join(s.dir, streamsGlob))
		if _, err := os.Stat(repaired); err != nil || streamPath(s.dir, stream) != "" || len(kept) == 0 || len(homes) != 1 {
			continue
		}
		if err := os.Rename(repaired, filepath.Join(homes[0], stream)); err != nil {
			return finished, err
		}
		finished = append(finished, stream)
	}
	return finished, nil
}

// repairedPath is where a stream is written anew.
func repairedPath(dir, stream string) string { return filepath.Join(dir, "repaired-"+stream) }

// LastCommands are the last message of COMMANDS and the message of the last event's command.
type LastCommands struct{ InCommands, InEvents uint64 }

// LastCommand reads both logs.
func (s *StoredLog) LastCommand(ctx context.Context) (last LastCommands, err error) {
	r := newBlockReader(s.dir, s.prefix, commandsStream)
	if err := r.read(ctx, func(*storedMessage) error { return nil }); err != nil {
		return last, err
	}
	last.InCommands = r.last.number
	r = newBlockReader(s.dir, s.prefix, eventsStream)
	err = r.read(ctx, func(m *storedMessage) error {
		e, err := DecodeEvent(domain.Record{Number: m.number, Subject: m.subject, Payload: m.payload})
		last.InEvents = e.Sequence / domain.SequencesPerMessage
		return err
	})
	return last, err
}
