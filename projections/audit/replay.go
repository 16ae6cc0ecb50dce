// Reading both logs side by side: each command with its events.

package audit

import (
	"context"
	"fmt"
	"iter"

	"onsale/domain"
	"onsale/projections/readahead"
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
			var d Decision
			if err == nil {
				d, err = cursor.eventsOf(c)
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// commands are the commands of COMMANDS up to message last, read and decoded in a goroutine of its own.
func commands(ctx context.Context, log Log, last uint64) iter.Seq2[domain.Command, error] {
	return readahead.Seq(func(yield func(domain.Command, error) bool) {
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
	})
}

// loggedEvent is an event with its bytes.
type loggedEvent struct {
	event  domain.Event
	record domain.Record
}

// events are those of EVENTS up to number last, likewise.
func events(ctx context.Context, log Log, last uint64) iter.Seq2[loggedEvent, error] {
	return readahead.Seq(func(yield func(loggedEvent, error) bool) {
		if last == 0 {
			return
		}
		for record, err := range log.Events(ctx, 1, "") {
			var e domain.Event
			if err == nil {
				e, err = log.DecodeEvent(record)
			}
			if !yield(loggedEvent{e, record}, err) || record.Number >= last {
				return
			}
		}
	})
}

// eventCursor reads EVENTS command by command, up to last.
type eventCursor struct {
	log    Log
	next   func() (loggedEvent, error, bool)
	last   uint64
	read   loggedEvent // the last one
	peeked bool        // read belongs to no command yet
}

func newCursor(ctx context.Context, log Log, last uint64) (cursor *eventCursor, stop func()) {
	next, stop := iter.Pull2(events(ctx, log, last))
	return &eventCursor{log: log, next: next, last: last}, stop
}

// peek is the next event, nil at the end.
func (c *eventCursor) peek() (*domain.Event, error) {
	if c.peeked {
		return &c.read.event, nil
	}
	if c.read.record.Number >= c.last {
		return nil, nil
	}
	read, err, ok := c.next()
	if !ok {
		return nil, fmt.Errorf("reading EVENTS ended at event %d of %d", c.read.record.Number, c.last)
	}
	if err != nil {
		return nil, err
	}
	c.read, c.peeked = read, true
	return &c.read.event, nil
}

// eventsOf are the events of command; of a no-op, those of all commands that its message once had. An event of an earlier
// command that is still unread belongs to none.
func (c *eventCursor) eventsOf(command domain.Command) (Decision, error) {
	first, last := command.Sequence, command.Sequence
	if _, noop := command.Body.(domain.Noop); noop {
		last += domain.SequencesPerMessage - 1
	}
	d := Decision{Command: command}
	for {
		e, err := c.peek()
		if err != nil || e == nil || e.Sequence > last {
			return d, err
		}
		if e.Sequence < first {
			return d, fmt.Errorf("%w: event %d belongs to command %d, which led to no events or is not in COMMANDS", ErrDifference,
				e.Number, e.Sequence)
		}
		d.Events, d.Records, c.peeked = append(d.Events, *e), append(d.Records, c.read.record), false
	}
}
