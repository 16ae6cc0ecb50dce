// Reading both logs side by side: each command with its events.

package audit

import (
	"context"
	"fmt"
	"iter"

	"onsale/domain"
)

// Decision is a command and its events, as the logs have them.
type Decision struct {
	Command domain.Command
	Events  []domain.Event
	Records []domain.Record
}

// Replay reads both logs from their beginning to their present end. It decides and compares nothing.
func Replay(ctx context.Context, log Log) iter.Seq2[Decision, error] {
	return func(yield func(Decision, error) bool) {
		state, err := log.State(ctx)
		if err != nil {
			yield(Decision{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		cursor, stop := newCursor(ctx, log, state.Events.Last)
		defer stop()
		for c, err := range commands(ctx, log, state.Commands.Last) {
			d := Decision{Command: c}
			if err == nil {
				var found []decodedEvent
				found, err = cursor.eventsOf(c)
				for _, e := range found {
					d.Events, d.Records = append(d.Events, e.event), append(d.Records, e.record)
				}
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// commands are the commands of COMMANDS up to message last.
func commands(ctx context.Context, log Log, last uint64) iter.Seq2[domain.Command, error] {
	return func(yield func(domain.Command, error) bool) {
		if last == 0 {
			return
		}
		for batch, err := range log.CommandBatches(ctx, 1) {
			if err != nil {
				yield(domain.Command{}, err)
				return
			}
			for _, c := range batch.Commands {
				if !yield(c, nil) {
					return
				}
			}
			if batch.Message == last {
				return
			}
		}
	}
}

// decodedEvent is an event with its bytes.
type decodedEvent struct {
	event  domain.Event
	record domain.Record
}

// eventCursor reads EVENTS command by command, up to last.
type eventCursor struct {
	log      Log
	next     func() (domain.Record, error, bool)
	last     uint64
	lastRead uint64      // number of the last record read
	prevHash domain.Hash // of the last record that was compared
	peeked   *decodedEvent
}

func newCursor(ctx context.Context, log Log, last uint64) (cursor *eventCursor, stop func()) {
	next, stop := iter.Pull2(until(log.Events(ctx, 1, ""), last))
	return &eventCursor{log: log, next: next, last: last}, stop
}

// until ends an endless sequence with the record that has this number.
func until(records iter.Seq2[domain.Record, error], last uint64) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		if last == 0 {
			return
		}
		for r, err := range records {
			if !yield(r, err) || err != nil || r.Number >= last {
				return
			}
		}
	}
}

// hashBefore is the hash before the i-th of these events.
func (c *eventCursor) hashBefore(i int, logged []decodedEvent) domain.Hash {
	if i == 0 || i > len(logged) {
		return c.prevHash
	}
	return logged[i-1].record.Hash
}

// peek is the next event, nil at the end.
func (c *eventCursor) peek() (*decodedEvent, error) {
	if c.peeked != nil {
		return c.peeked, nil
	}
	record, err, ok := c.next()
	if !ok && c.lastRead < c.last {
		return nil, fmt.Errorf("reading EVENTS ended at event %d of %d", c.lastRead, c.last)
	}
	if !ok || err != nil {
		return nil, err
	}
	c.lastRead = record.Number
	e, err := c.log.DecodeEvent(record)
	if err != nil {
		return nil, err
	}
	c.peeked = &decodedEvent{e, record}
	return c.peeked, nil
}

// eventsOf are the events of command; of a no-op, those of all commands that its message once had. An event of an earlier
// command that is still unread belongs to none.
func (c *eventCursor) eventsOf(command domain.Command) ([]decodedEvent, error) {
	first, last := command.Sequence, command.Sequence
	if _, noop := command.Body.(domain.Noop); noop {
		last += domain.SequencesPerMessage - 1
	}
	var found []decodedEvent
	for {
		d, err := c.peek()
		if err != nil || d == nil || d.event.Sequence > last {
			return found, err
		}
		if d.event.Sequence < first {
			return nil, fmt.Errorf("%w: event %d belongs to command %d, which led to no events or is not in COMMANDS", ErrDifference,
				d.event.Number, d.event.Sequence)
		}
		found, c.peeked = append(found, *d), nil
	}
}
