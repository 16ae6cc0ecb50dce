// Opening: the store and the two logs are three witnesses of the same past. Before anything is decided they are compared;
// what one of them lost in a crash is completed from the others, and what cannot be completed stops the node.
package projections

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

// Opening is what was found and done; the start-up log tells it.
type Opening struct {
	Rebuilt   string // why the store was made anew from EVENTS; "" when it was good
	Events    uint64 // events in the store
	Completed int    // events that EVENTS had lost and that were sent again from the outbox
	Voids     uint64 // messages that COMMANDS had lost and whose places were filled
}

// Open makes a projector that is ready to Run. With ErrUnsound (errors.Is) the logs and the store contradict each other: the
// projector is halted, knows why, and must not Run.
func Open(ctx context.Context, c Config) (*Projector, Opening, error) {
	p := &Projector{
		Config: c, heads: newHeads(), fresh: newHeads(), changed: make(chan struct{}),
		waiting: waiting{},
	}
	state, err := c.Log.State(ctx)
	if err != nil {
		return nil, Opening{}, fmt.Errorf("the logs do not say how they stand: %w", err)
	}
	var opening Opening
	past := newPast()
	p.store, opening.Rebuilt, err = openOrRebuild(ctx, c, state, &past)
	p.shop, p.heads, p.tally = past.shop, past.heads, past.tally
	if err == nil {
		err = p.begin(ctx, state, &opening)
	}
	if errors.Is(err, ErrUnsound) {
		err = fmt.Errorf("%w; restore the data directory, or the log, from a copy of one moment and start again", err)
		reason := err.Error()
		p.halted.Store(&reason)
		c.Logger.Error("halted before the first decision", "reason", reason)
		return p, opening, err
	}
	if err != nil && p.store != nil {
		p.store.Close()
	}
	return p, opening, err
}

// ErrUnsound is a log that has lost what the store or the other log knows of.
var ErrUnsound = errors.New("the logs are unsound")

// begin compares the witnesses and sets everything to where the last life ended.
func (p *Projector) begin(ctx context.Context, state domain.LogState, opening *Opening) error {
	var first, last uint64 // of the outbox
	err := p.store.view(func(tx *bolt.Tx) (err error) {
		first, last = outboxRange(tx)
		p.mark, err = readMeta(tx)
		return err
	})
	if err != nil {
		return err
	}
	if err := p.sound(state, first, last); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsound, err)
	}
	p.committed, p.logTime = p.mark, p.mark.now
	if n := p.mark.sequence / domain.PlacesPerMessage; n > 0 {
		p.message = n - 1 // its commands are decided, all or some: it is read again
	}
	p.confirmed = min(p.mark.confirmed, state.Events.Last)
	p.logEnd.Store(state.Events.Last)
	p.lineEnd.Store(state.Commands.Last)
	p.goal = goal{state.Commands.Last * domain.PlacesPerMessage, state.Events.Last}
	opening.Events = p.mark.events
	if p.mark.events > state.Events.Last && p.mark.confirmed > state.Events.Last {
		opening.Completed = int(p.mark.confirmed - state.Events.Last)
	}
	if message := p.mark.sequence / domain.PlacesPerMessage; message > state.Commands.Last {
		// The power went before COMMANDS was on disk; its outcomes stand in the store. Their places must not be given again.
		opening.Voids = message - state.Commands.Last
		if err := p.Log.AppendVoids(ctx, message); err != nil {
			return fmt.Errorf("filling COMMANDS up to message %d: %w", message, err)
		}
	}
	return p.resume()
}

// sound says why the node must not go on.
func (p *Projector) sound(state domain.LogState, first, last uint64) error {
	// What the outbox holds can be sent again, so EVENTS may end anywhere in it.
	covered := p.mark.events
	if last != 0 {
		covered = first - 1
		if last != p.mark.events {
			return fmt.Errorf("the outbox ends at event %d, the store at %d", last, p.mark.events)
		}
	}
	sequence := p.mark.sequence
	if p.Log.Embedded() && state.Events.Last >= covered {
		sequence = min(sequence, state.Commands.Last*domain.PlacesPerMessage) // voids will fill the rest
	}
	return whole(state, sequence, min(covered, p.mark.events))
}

// resume makes what is in the outbox and not confirmed pending again.
func (p *Projector) resume() error {
	return p.store.view(func(tx *bolt.Tx) error {
		records, err := readOutbox(tx, p.confirmed+1)
		if err != nil {
			return err
		}
		for _, record := range records {
			r, ok, err := journalRow(tx, record.Number)
			if err != nil || !ok {
				return errors.Join(errDamaged, err)
			}
			e, err := p.Log.DecodeEvent(record)
			if err != nil {
				return err
			}
			p.pending = append(p.pending, pending{Told{e, r.beforeOfUser, r.beforeOfEntity}, record, r})
		}
		p.splitHeads()
		return nil
	})
}

// splitHeads moves the heads that are not confirmed to fresh, and puts the confirmed ones before them in their place.
func (p *Projector) splitHeads() {
	for i := len(p.pending) - 1; i >= 0; i-- {
		e := p.pending[i].told
		if e.User != "" {
			unwind(p.fresh.user, p.heads.user, e.User, e.Number, e.BeforeOfUser)
		}
		unwind(p.fresh.entity, p.heads.entity, entityKey(e.Event), e.Number, e.BeforeOfEntity)
	}
}

func unwind(fresh, confirmed map[string]uint64, key string, n, before uint64) {
	if _, known := fresh[key]; !known {
		fresh[key] = n
	}
	if confirmed[key] = before; before == 0 {
		delete(confirmed, key)
	}
}
