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
	"onsale/domain/shop"
)

// History is what the audit reads. Package streams has it.
type History interface {
	State(context.Context) (domain.LogState, error)
	// Messages follows COMMANDS from a message on.
	Messages(ctx context.Context, from uint64) iter.Seq2[domain.Batch, error]
	Events
	EncodeEvent(previous domain.Hash, e domain.Event) (domain.Record, error)
}

// Audit is what was found.
type Audit struct {
	Commands, Events uint64
	Outcomes         map[string]uint64 // events by type, rejections by code
	Undecided        uint64            // commands whose events EVENTS does not hold yet
	Voids            uint64            // commands that a power loss took after their outcome had been told
	Shop             *shop.Shop        // as it is after all of it

	decider *shop.Shop // decides; Shop follows what EVENTS says of it
}

// ErrDifference is a log that does not say what the rules say.
var ErrDifference = errors.New("the log and the rules differ")

// RunAudit decides everything again. errors.Is ErrDifference: the text names the first difference. see, if not nil, is
// called with each command and what EVENTS says of it, in order.
func RunAudit(ctx context.Context, h History, see func(domain.Command, []domain.Event)) (Audit, error) {
	a := Audit{Outcomes: map[string]uint64{}, Shop: shop.New(), decider: shop.New()}
	state, err := h.State(ctx)
	if err != nil {
		return a, err
	}
	if err := whole(state, 0, 0); err != nil {
		return a, fmt.Errorf("%w: %w", ErrDifference, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next, stop := iter.Pull2(upTo(h.Records(ctx, 1, ""), state.Events.Last))
	defer stop()
	r := reader{history: h, next: next, last: state.Events.Last}
	if state.Commands.Last > 0 {
		for batch, err := range h.Messages(ctx, 1) {
			if err != nil {
				return a, err
			}
			for _, c := range batch.Commands {
				if err := a.check(&r, c, see); err != nil {
					return a, err
				}
			}
			if batch.Message == state.Commands.Last {
				break
			}
		}
	}
	if left, err := r.peek(); err != nil {
		return a, err
	} else if left != nil {
		return a, fmt.Errorf("%w: event %d belongs to command %d, which is not in COMMANDS", ErrDifference,
			left.event.Number, left.event.Sequence)
	}
	return a, nil
}

// check decides one command and compares.
func (a *Audit) check(r *reader, c domain.Command, see func(domain.Command, []domain.Event)) error {
	a.Commands++
	if _, void := c.Body.(domain.Void); void {
		// The commands of this message were lost with the power. What they led to had been told, and is a fact.
		there, err := r.of(c.Sequence, c.Sequence+domain.PlacesPerMessage-1)
		if err != nil {
			return err
		}
		a.Voids++
		a.concede(there)
		return a.take(r, c, there, see)
	}
	there, err := r.of(c.Sequence, c.Sequence)
	if err != nil {
		return err
	}
	if n := len(there); n > 0 && isDead(there[n-1].event) {
		a.concede(there) // a fact, whatever today's rules make of it
		return a.take(r, c, there, see)
	}
	events, _ := a.decider.Do(c)
	for i, e := range events {
		if e.Number > r.last {
			a.Undecided++ // the live node is still at it
			return nil
		}
		ours, err := r.history.EncodeEvent(r.hash(i, there), e)
		if err != nil {
			return err
		}
		if i >= len(there) {
			return fmt.Errorf("%w: command %d leads to event %d %s, which EVENTS does not hold", ErrDifference, c.Sequence, e.Number, ours.Payload)
		}
		if theirs := there[i].record; ours.Subject != theirs.Subject || !bytes.Equal(ours.Payload, theirs.Payload) || ours.Hash != theirs.Hash {
			return fmt.Errorf("%w at event %d of command %d\n  the rules say %s %s\n  the log says   %s %s", ErrDifference, e.Number, c.Sequence,
				ours.Subject, ours.Payload, theirs.Subject, theirs.Payload)
		}
	}
	if len(there) > len(events) {
		return fmt.Errorf("%w: event %d does not follow from command %d: %s", ErrDifference,
			there[len(events)].event.Number, c.Sequence, there[len(events)].record.Payload)
	}
	return a.take(r, c, there, see)
}

// concede lets the decider go on from what EVENTS says.
func (a *Audit) concede(there []decodedEvent) {
	for _, d := range there {
		a.decider.Apply(d.event)
	}
}

// take makes the events of one command so, and checks what must hold after each.
func (a *Audit) take(r *reader, c domain.Command, there []decodedEvent, see func(domain.Command, []domain.Event)) error {
	events := make([]domain.Event, len(there))
	for i, d := range there {
		events[i] = d.event
		a.Shop.Apply(d.event)
		a.Events++
		a.Outcomes[outcomeName(d.event)]++
		if err := a.Shop.Check(d.event); err != nil {
			return fmt.Errorf("%w: after event %d: %w", ErrDifference, d.event.Number, err)
		}
		r.chain = d.record.Hash
	}
	if see != nil {
		see(c, events)
	}
	return nil
}

func isDead(e domain.Event) bool {
	_, dead := e.Body.(domain.Dead)
	return dead
}

func outcomeName(e domain.Event) string { return kindOf(typeOf(e), e).String() }
