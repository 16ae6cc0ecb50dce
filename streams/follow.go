// Iterators over the streams: from a number on, and then everything that is appended, until the context ends.

package streams

import (
	"context"
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
	return iterate(ctx, r, func(m jetstream.Msg, meta *jetstream.MsgMetadata) (domain.Record, error) {
		record := domain.Record{Number: meta.Sequence.Stream, Subject: r.log.prefix.trim(m.Subject()), Payload: m.Data()}
		if r.headersOnly {
			record.Payload = nil
		}
		var err error
		if record.Hash, err = domain.ParseHash(m.Headers().Get(hashHeader)); err != nil {
			err = foreignError(record.Number, record.Subject, err)
		}
		return record, err
	})
}

// CommandBatches yields COMMANDS from a message on, for replay and audit.
func (l *Log) CommandBatches(ctx context.Context, from uint64) iter.Seq2[domain.Batch, error] {
	return iterate(ctx, &reader{log: l, stream: commandsStream, next: from}, func(m jetstream.Msg, meta *jetstream.MsgMetadata) (domain.Batch, error) {
		return DecodeBatch(meta.Sequence.Stream, domain.At(meta.Timestamp), m.Data())
	})
}

// iterate turns a reader into an iterator that ends after the first error. Each iteration begins at the same number.
func iterate[T any](ctx context.Context, start *reader, convert func(jetstream.Msg, *jetstream.MsgMetadata) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r := *start
		r.next = max(1, r.next)
		var zero T
		err := r.read(ctx, func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
			value, err := convert(m, meta)
			return yield(value, err) && err == nil
		})
		if err != nil {
			yield(zero, err)
		}
	}
}
