// Cutting off, on an external NATS, what is foreign at the end of EVENTS. Its messages cannot be deleted, so EVENTS is recreated: a copy of
// it stays as another stream, from which the events are published again, at their numbers.

package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// copyName is the stream that keeps EVENTS as it was.
const copyName = eventsStream + "_before_repair"

// FindForeign reads EVENTS of an external NATS up to its end. If an earlier CutForeign was stopped, it finds what that one has found.
func (l *Log) FindForeign(ctx context.Context) (Foreign, error) {
	events, err := l.lookUpStream(ctx, eventsStream)
	if err != nil {
		return Foreign{}, err
	}
	kept, err := l.lookUpStream(ctx, copyName)
	if err != nil {
		return Foreign{}, err
	}
	if events != nil {
		f, err := l.findForeign(ctx, eventsStream)
		if err != nil || f.First != 0 || kept == nil {
			return f, err
		}
	}
	if kept == nil || kept.Config.Metadata[epochKey] != l.epoch {
		return Foreign{}, &Fault{fmt.Sprintf("stream %s is missing", l.prefix.stream(eventsStream)), "restore it from a backup", nil}
	}
	f, err := l.findForeign(ctx, copyName)
	if err == nil && events != nil && events.State.LastSeq+1 >= f.First {
		f = Foreign{} // that repair is complete
	}
	return f, err
}

func (l *Log) findForeign(ctx context.Context, stream string) (Foreign, error) {
	var f foreignFinder
	err := l.readAll(ctx, stream, f.note)
	return f.foreign, err
}

// readAll reads EVENTS or its copy up to the present end.
func (l *Log) readAll(ctx context.Context, stream string, visit func(domain.Record) error) error {
	info, err := l.info(ctx, stream)
	if err != nil || info.State.LastSeq == 0 {
		return err
	}
	var visitErr error
	r := &reader{log: l, stream: stream, next: 1}
	err = r.read(ctx, func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
		record := domain.Record{Number: meta.Sequence.Stream, Subject: l.prefix.trim(m.Subject()), Payload: m.Data()}
		record.Hash, _ = parseHash(m.Headers().Get(hashHeader))
		visitErr = visit(record)
		return visitErr == nil && record.Number < info.State.LastSeq
	})
	return errors.Join(visitErr, err, ctx.Err())
}

// CutForeign replaces EVENTS by one that ends before f, and keeps the old one as the stream that it names. An attempt that was stopped is
// continued. No node may run, and the user needs the permission to create, update and delete streams. The log keeps its epoch: no node
// has delivered what is cut off, nor an event at its number.
func (l *Log) CutForeign(ctx context.Context, f Foreign) (kept string, err error) {
	kept = l.prefix.stream(copyName)
	nodes, err := l.Nodes(ctx)
	if err != nil {
		return kept, err
	}
	for _, n := range nodes {
		if n.Alive != "" {
			return kept, &Fault{fmt.Sprintf("node %s is running: %s", n.Name, n.Alive), "stop all nodes first", ErrNameInUse}
		}
	}
	events, err := l.lookUpStream(ctx, eventsStream)
	if err != nil {
		return kept, err
	}
	if events != nil && events.State.LastSeq >= f.First {
		if err := l.keepEvents(ctx, events); err != nil {
			return kept, err
		}
		if err := l.js.DeleteStream(ctx, events.Config.Name); err != nil {
			return kept, fmt.Errorf("deleting %s, of which %s is a copy: %w", events.Config.Name, kept, err)
		}
		events = nil
	}
	// A crash here leaves COMMANDS without EVENTS, and later an EVENTS that is too short: no node starts with either.
	if events == nil {
		copied, err := l.info(ctx, copyName)
		if err != nil {
			return kept, err
		}
		c := l.eventsConfig(l.epoch)
		c.Replicas, c.MaxBytes = copied.Config.Replicas, copied.Config.MaxBytes
		if _, err := l.create(ctx, eventsStream, c); err != nil {
			return kept, err
		}
	}
	if err := l.publishAgain(ctx, f.First-1); err != nil {
		return kept, fmt.Errorf("publishing the events of %s again: %w", kept, err)
	}
	return kept, nil
}

// keepEvents makes a stream with the same messages at the same numbers, which does not depend on EVENTS any more.
func (l *Log) keepEvents(ctx context.Context, events *jetstream.StreamInfo) error {
	c := jetstream.StreamConfig{
		Name: l.prefix.stream(copyName), Mirror: &jetstream.StreamSource{Name: events.Config.Name}, Storage: jetstream.FileStorage,
		Replicas: events.Config.Replicas, MaxBytes: events.Config.MaxBytes, Discard: jetstream.DiscardNew, Metadata: map[string]string{epochKey: l.epoch},
		Description: "EVENTS with messages that are not onsale's; to be deleted when the nodes run again",
	}
	_, err := l.js.CreateStream(ctx, c)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		info, infoErr := l.info(ctx, copyName)
		if infoErr != nil {
			return infoErr
		}
		if info.Config.Mirror == nil {
			return &Fault{fmt.Sprintf("stream %s is left from an earlier repair", c.Name), "when you have looked at it: nats stream rm " + c.Name, nil}
		}
		err = nil // an attempt that was stopped
	}
	if err != nil {
		return fmt.Errorf("copying EVENTS: %w", l.streamFault(err, c))
	}
	for {
		info, err := l.info(ctx, copyName)
		if err != nil {
			return err
		}
		if info.State.LastSeq == events.State.LastSeq && info.State.Msgs == events.State.Msgs {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.Mirror = nil
	_, err = l.js.UpdateStream(ctx, c)
	return err
}

// publishAgain fills EVENTS up to event last with those of the copy.
func (l *Log) publishAgain(ctx context.Context, last uint64) error {
	events, err := l.info(ctx, eventsStream)
	if err != nil {
		return err
	}
	var batch []domain.Record
	var chain hashChain
	publish := func() error {
		if len(batch) == 0 {
			return nil
		}
		publishCtx, cancel := context.WithTimeout(ctx, l.ackWait)
		defer cancel()
		err := l.publishFenced(publishCtx, batch)
		batch = batch[:0]
		return err
	}
	err = l.readAll(ctx, copyName, func(record domain.Record) error {
		if record.Number > last {
			return nil
		}
		if chain.hash = chain.hash.Next(record.Subject, record.Payload); chain.hash != record.Hash {
			return fmt.Errorf("%w: event %d of the copy has another hash", ErrDamaged, record.Number)
		}
		if record.Number <= events.State.LastSeq {
			return nil
		}
		if batch = append(batch, record); len(batch) < maxBatchRecords {
			return nil
		}
		return publish()
	})
	return errors.Join(err, publish())
}
