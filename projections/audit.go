// The audit: every command is decided again by the rules, from an empty shop, and what comes out is compared with what
// EVENTS holds, byte for byte and link for link. It is what the tests do after everything they wrote.

package projections

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"onsale/domain"
	"onsale/domain/machine"
)

// History is what the audit reads. Package streams has it.
type History interface {
	State(context.Context) (domain.LogState, error)
	// CommandBatches follows COMMANDS from a message on.
	CommandBatches(ctx context.Context, from uint64) iter.Seq2[domain.Batch, error]
	EventReader
	EncodeEvent(previous domain.Hash, e domain.Event) (domain.Record, error)
}

// Audit is what was found.
type Audit struct {
	Commands, Events uint64
	Outcomes         map[string]uint64 // events by type, rejections by code
	Undecided        uint64            // commands whose events EVENTS does not hold yet
	Noops            uint64            // commands that a power loss took after their outcome had been told
	Machine          *machine.Machine  // as it is after all of it

	decider *machine.Machine // decides; Shop follows what EVENTS says of it
}

// ErrDifference is a log that does not say what the rules say.
var ErrDifference = errors.New("the log and the rules differ")

// RunAudit decides everything again. errors.Is ErrDifference: the text names the first difference. see, if not nil, is
// called with each command and what EVENTS says of it, in order.
func RunAudit(ctx context.Context, h History, visit func(domain.Command, []domain.Event)) (Audit, error) {
	a := Audit{Outcomes: map[string]uint64{}, Machine: machine.New(), decider: machine.New()}
	state, err := h.State(ctx)
	if err != nil {
		return a, err
	}
	if err := checkLogs(state, 0, 0); err != nil {
		return a, fmt.Errorf("%w: %w", ErrDifference, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next, stop := iter.Pull2(until(h.Events(ctx, 1, ""), state.Events.Last))
	defer stop()
	cursor := eventCursor{history: h, next: next, last: state.Events.Last}
	if state.Commands.Last > 0 {
		for batch, err := range h.CommandBatches(ctx, 1) {
			if err != nil {
				return a, err
			}
			for _, c := range batch.Commands {
				if err := a.check(&cursor, c, visit); err != nil {
					return a, err
				}
			}
			if batch.Message == state.Commands.Last {
				break
			}
		}
	}
	if extra, err := cursor.peek(); err != nil {
		return a, err
	} else if extra != nil {
		return a, fmt.Errorf("%w: event %d belongs to command %d, which is not in COMMANDS", ErrDifference,
			extra.event.Number, extra.event.Sequence)
	}
	return a, nil
}

// check decides one command and compares.
func (a *Audit) check(cursor *eventCursor, c domain.Command, visit func(domain.Command, []domain.Event)) error {
	a.Commands++
	if _, noop := c.Body.(domain.Noop); noop {
		// The commands of this message were lost with the power. What they led to had been told, and is a fact.
		logged, err := cursor.eventsOf(c.Sequence, c.Sequence+domain.SequencesPerMessage-1)
		if err != nil {
			return err
		}
		a.Noops++
		a.acceptAsFact(logged)
		return a.apply(cursor, c, logged, visit)
	}
	logged, err := cursor.eventsOf(c.Sequence, c.Sequence)
	if err != nil {
		return err
	}
	if n := len(logged); n > 0 && isDeadLetter(logged[n-1].event) {
		a.acceptAsFact(logged) // a fact, whatever today's rules make of it
		return a.apply(cursor, c, logged, visit)
	}
	events, _ := a.decider.Execute(c)
	for i, e := range events {
		if e.Number > cursor.last {
			a.Undecided++ // the live node is still at it
			return nil
		}
		ours, err := cursor.history.EncodeEvent(cursor.hashBefore(i, logged), e)
		if err != nil {
			return err
		}
		if i >= len(logged) {
			return fmt.Errorf("%w: command %d leads to event %d %s, which EVENTS does not hold", ErrDifference, c.Sequence, e.Number, ours.Payload)
		}
		if theirs := logged[i].record; ours.Subject != theirs.Subject || !bytes.Equal(ours.Payload, theirs.Payload) || ours.Hash != theirs.Hash {
			return fmt.Errorf("%w at event %d of command %d\n  the rules say %s %s\n  the log says   %s %s", ErrDifference, e.Number, c.Sequence,
				ours.Subject, ours.Payload, theirs.Subject, theirs.Payload)
		}
	}
	if len(logged) > len(events) {
		return fmt.Errorf("%w: event %d does not follow from command %d: %s", ErrDifference,
			logged[len(events)].event.Number, c.Sequence, logged[len(events)].record.Payload)
	}
	return a.apply(cursor, c, logged, visit)
}

// acceptAsFact lets the decider go on from what EVENTS says.
func (a *Audit) acceptAsFact(logged []decodedEvent) {
	for _, d := range logged {
		a.decider.Apply(d.event)
	}
}

// apply makes the events of one command so, and checks what must hold after each.
func (a *Audit) apply(cursor *eventCursor, c domain.Command, logged []decodedEvent, visit func(domain.Command, []domain.Event)) error {
	events := make([]domain.Event, len(logged))
	for i, d := range logged {
		events[i] = d.event
		a.Machine.Apply(d.event)
		a.Events++
		a.Outcomes[outcomeName(d.event)]++
		if err := a.Machine.CheckInvariants(d.event); err != nil {
			return fmt.Errorf("%w: after event %d: %w", ErrDifference, d.event.Number, err)
		}
		cursor.prevHash = d.record.Hash
	}
	if visit != nil {
		visit(c, events)
	}
	return nil
}

func isDeadLetter(e domain.Event) bool {
	_, dead := e.Body.(domain.DeadLetter)
	return dead
}

func outcomeName(e domain.Event) string { return labelOf(typeOf(e), e).String() }

// EVENTS, handed out command by command, for those who go over both logs.

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

// eventCursor hands out the records of EVENTS command by command.
type eventCursor struct {
	history  History
	next     func() (domain.Record, error, bool)
	last     uint64
	lastRead uint64      // number of the last record read
	prevHash domain.Hash // of the last record taken
	peeked   *decodedEvent
}

// hashBefore is the link before the i-th of these events.
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
		return nil, fmt.Errorf("reading EVENTS was broken off at event %d of %d", c.lastRead, c.last)
	}
	if !ok || err != nil {
		return nil, err
	}
	c.lastRead = record.Number
	e, err := c.history.DecodeEvent(record)
	if err != nil {
		return nil, err
	}
	c.peeked = &decodedEvent{e, record}
	return c.peeked, nil
}

// eventsOf are the events of the commands in these places. One of an earlier command that is still there belongs to none.
func (c *eventCursor) eventsOf(first, last uint64) ([]decodedEvent, error) {
	var found []decodedEvent
	for {
		d, err := c.peek()
		if err != nil || d == nil || d.event.Sequence > last {
			return found, err
		}
		if d.event.Sequence < first {
			return nil, fmt.Errorf("%w: event %d belongs to command %d, which led to nothing or is not in COMMANDS", ErrDifference,
				d.event.Number, d.event.Sequence)
		}
		found, c.peeked = append(found, *d), nil
	}
}

// Replaying: the two logs side by side, each command with what it led to.

// Decision is a command and its events, as the logs have them.
type Decision struct {
	Command domain.Command
	Events  []domain.Event
	Records []domain.Record
}

// Replay goes over both logs from their beginning to where they end now. Nothing is decided and nothing compared.
func Replay(ctx context.Context, h History) iter.Seq2[Decision, error] {
	return func(yield func(Decision, error) bool) {
		state, err := h.State(ctx)
		if err != nil {
			yield(Decision{}, err)
			return
		}
		if state.Commands.Last == 0 {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		next, stop := iter.Pull2(until(h.Events(ctx, 1, ""), state.Events.Last))
		defer stop()
		cursor := eventCursor{history: h, next: next, last: state.Events.Last}
		for batch, err := range h.CommandBatches(ctx, 1) {
			if err != nil {
				yield(Decision{}, err)
				return
			}
			for _, c := range batch.Commands {
				last := c.Sequence
				if _, noop := c.Body.(domain.Noop); noop {
					last += domain.SequencesPerMessage - 1 // it stands for all that its message once held
				}
				found, err := cursor.eventsOf(c.Sequence, last)
				d := Decision{Command: c}
				for _, e := range found {
					d.Events, d.Records = append(d.Events, e.event), append(d.Records, e.record)
				}
				if !yield(d, err) || err != nil {
					return
				}
			}
			if batch.Message == state.Commands.Last {
				return
			}
		}
	}
}
