// Reading both logs of a data directory without a server, for tools that read all of them: a server would first collect what it needs to
// write, such as the subjects of all events.

package streams

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"time"

	"onsale/domain"
)

// LogFiles is the log of a data directory that no node uses, for reading. Its methods do what those of Log do; as nothing is written,
// iterators end with the last message.
type LogFiles struct {
	codec
	dir    string
	prefix prefix
	lock   *os.File
	state  domain.LogState
	epoch  string
}

// OpenFiles locks a data directory and reads its log once: an error is what Open would return for a tool.
func OpenFiles(ctx context.Context, dir, namePrefix string, logger *slog.Logger) (*LogFiles, error) {
	lock, _, err := lockDir(dir, true, logger)
	if err != nil {
		return nil, err
	}
	f := &LogFiles{dir: dir, prefix: prefix(namePrefix), lock: lock}
	if err := f.open(ctx); err != nil {
		lock.Close()
		return nil, err
	}
	return f, nil
}

func (f *LogFiles) open(ctx context.Context) error {
	if err := checkPresent(f.dir, f.prefix, false); err != nil {
		return err
	}
	var epochs [2]string
	for i, stream := range []string{commandsStream, eventsStream} {
		r := newBlockReader(f.dir, f.prefix, stream)
		if r.dir == "" {
			return noStreamFault(f.prefix)
		}
		if isEncrypted(r.dir) {
			return fmt.Errorf("%s is encrypted: no tool can read it", r.stream)
		}
		if err := checkMeta(r.stream, r.dir); err != nil {
			return err
		}
		last, err := r.check(ctx)
		if err != nil {
			return err
		}
		state := domain.StreamState{First: min(1, last), Last: last, Messages: last}
		if stream == commandsStream {
			f.state.Commands = state
		} else {
			f.state.Events = state
		}
		if epochs[i], err = storedEpoch(f.dir, f.prefix, stream); err != nil {
			return err
		}
	}
	f.epoch = epochs[0]
	return checkEpochs(epochs[0], epochs[1])
}

// Close unlocks the data directory.
func (f *LogFiles) Close() error { return f.lock.Close() }

// Epoch identifies the log.
func (f *LogFiles) Epoch() string { return f.epoch }

// State returns where both logs ended when they were opened.
func (f *LogFiles) State(context.Context) (domain.LogState, error) { return f.state, nil }

// Events yields the events from a number on, those that match filter or all if it is empty.
func (f *LogFiles) Events(ctx context.Context, from uint64, filter string) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		for record, err := range readStream(ctx, newBlockReader(f.dir, f.prefix, eventsStream), from, eventFromFile) {
			if (err != nil || filter == "" || SubjectMatches(record.Subject, filter)) && !yield(record, err) {
				return
			}
		}
	}
}

// CommandBatches yields COMMANDS from a message on.
func (f *LogFiles) CommandBatches(ctx context.Context, from uint64) iter.Seq2[domain.Batch, error] {
	return readStream(ctx, newBlockReader(f.dir, f.prefix, commandsStream), from, batchFromFile)
}

// readStream yields the messages of r from a number on. It ends after the first error, and without one when ctx ends.
func readStream[T any](ctx context.Context, r *blockReader, from uint64, convert func(*storedMessage) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r := blockReader{prefix: r.prefix, stream: r.stream, dir: r.dir} // each iteration begins at the same message
		err := r.read(ctx, func(m *storedMessage) error {
			if len(r.damage) > 0 {
				return r.damage[0]
			}
			if m.number < from {
				return nil
			}
			value, err := convert(m)
			if !yield(value, err) || err != nil {
				return errStopped
			}
			return nil
		})
		if err == nil && len(r.damage) > 0 {
			err = r.damage[0]
		}
		if err != nil && !errors.Is(err, errStopped) && ctx.Err() == nil {
			var zero T
			yield(zero, err)
		}
	}
}

// eventFromFile is a message of EVENTS.
func eventFromFile(m *storedMessage) (domain.Record, error) {
	record := domain.Record{Number: m.number, Subject: m.subject, Payload: m.payload}
	var err error
	if record.Hash, err = m.hash(); err != nil {
		err = foreignError(record.Number, record.Subject, err)
	}
	return record, err
}

// batchFromFile is a message of COMMANDS.
func batchFromFile(m *storedMessage) (domain.Batch, error) {
	return DecodeBatch(m.number, domain.At(time.Unix(0, m.at)), m.payload)
}
