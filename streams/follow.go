// Iterators over the streams: from a number on, and then everything that is appended, until the context ends.

package streams

import (
	"context"
	"errors"
	"iter"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// Events yields the events from a number on, those that match filter or all if it is empty, and waits for more. It ends without
// an error when ctx ends. Unfiltered, the numbers have no gap. With a filter a gap in the log is not detected; the node's
// unfiltered follower detects it.
func (l *Log) Events(ctx context.Context, from uint64, filter string) iter.Seq2[domain.Record, error] {
	return l.follow(ctx, &reader{log: l, stream: eventsStream, next: from, filter: filter})
}

// EventHashes is Events without payloads.
func (l *Log) EventHashes(ctx context.Context, from uint64) iter.Seq2[domain.Record, error] {
	return l.follow(ctx, &reader{log: l, stream: eventsStream, next: from, headersOnly: true})
}

func (l *Log) follow(ctx context.Context, r *reader) iter.Seq2[domain.Record, error] {
	return iterate(ctx, r, eventFromFile, func(m jetstream.Msg, meta *jetstream.MsgMetadata) (domain.Record, error) {
		record := domain.Record{Number: meta.Sequence.Stream, Subject: r.log.prefix.trim(m.Subject()), Payload: m.Data()}
		if r.headersOnly {
			record.Payload = nil
		}
		var err error
		if record.Hash, err = parseHash(m.Headers().Get(hashHeader)); err != nil {
			err = foreignError(record.Number, record.Subject, err)
		}
		return record, err
	})
}

// CommandBatches yields COMMANDS from a message on, for replay and audit.
func (l *Log) CommandBatches(ctx context.Context, from uint64) iter.Seq2[domain.Batch, error] {
	return iterate(ctx, &reader{log: l, stream: commandsStream, next: from}, batchFromFile, func(m jetstream.Msg, meta *jetstream.MsgMetadata) (domain.Batch, error) {
		return DecodeBatch(meta.Sequence.Stream, domain.At(meta.Timestamp), m.Data())
	})
}

// iterate turns a reader into an iterator that ends after the first error. Each iteration begins at the same number. fromFile converts
// what it reads from an embedded server's files.
func iterate[T any](
	ctx context.Context, start *reader, fromFile func(*storedMessage) (T, error), convert func(jetstream.Msg, *jetstream.MsgMetadata) (T, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r := *start
		r.next = max(1, r.next)
		var zero T
		if r.next == 1 && r.isLong(ctx) && !readFiles(ctx, &r, fromFile, yield) {
			return
		}
		err := r.read(ctx, func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
			value, err := convert(m, meta)
			return yield(value, err) && err == nil
		})
		if err != nil {
			yield(zero, err)
		}
	}
}

// longStream is the number of messages from which reading the files is worthwhile, which takes a third of what a consumer takes.
const longStream = 5_000

// isLong says that r reads all of a long and whole stream of an embedded server.
func (r *reader) isLong(ctx context.Context) bool {
	if r.log.server == nil || r.filter != "" || r.headersOnly || r.durable != "" {
		return false
	}
	state, err := r.log.streamState(ctx, r.stream)
	return err == nil && state.Last >= longStream && state.CheckContiguous() == nil
}

var errFilesEnd = errors.New("the rest is not in the files yet")

// readFiles yields the messages that the files have, and moves r behind them; false: yield has ended the iteration. The server may be
// writing: what is not in the files, or not whole there, is left to a consumer.
func readFiles[T any](ctx context.Context, r *reader, convert func(*storedMessage) (T, error), yield func(T, error) bool) (more bool) {
	files := newBlockReader(r.log.config.Dir, r.log.prefix, r.stream)
	if files.dir == "" || isEncrypted(files.dir) {
		return true // no files that can be read
	}
	err := files.read(ctx, func(m *storedMessage) error {
		if m.number != r.next || len(files.damage) > 0 {
			return errFilesEnd
		}
		value, err := convert(m)
		if !yield(value, err) || err != nil {
			return errStopped
		}
		r.next++
		return nil
	})
	return !errors.Is(err, errStopped) && ctx.Err() == nil
}
