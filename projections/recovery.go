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

// Recovery is what was found and done; the start-up log tells it.
type Recovery struct {
	RebuildReason string // why the store was made anew from EVENTS; "" when it was good
	Events        uint64 // events in the store
	Republished   int    // events that EVENTS had lost and that were sent again from the outbox
	Noops         uint64 // messages that COMMANDS had lost and whose places were filled
}

// Open makes a projector that is ready to Run. With ErrInconsistent (errors.Is) the logs and the store contradict each other: the
// projector is halted, knows why, and must not Run.
func Open(ctx context.Context, c Config) (*Projector, Recovery, error) {
	p := &Projector{
		Config: c, lastEvents: newLastEvents(), unconfirmed: newLastEvents(), changed: make(chan struct{}),
		waiters: waiters{},
	}
	state, err := c.Log.State(ctx)
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("the logs do not say how they stand: %w", err)
	}
	var recovery Recovery
	loaded := newLoadedState()
	p.store, recovery.RebuildReason, err = openOrRebuild(ctx, c, state, &loaded)
	p.machine, p.lastEvents, p.counters = loaded.machine, loaded.lastEvents, loaded.counters
	if err == nil {
		err = p.restore(ctx, state, &recovery)
	}
	if errors.Is(err, ErrInconsistent) {
		err = fmt.Errorf("%w; restore the data directory, or the log, from a copy of one moment and start again", err)
		reason := err.Error()
		p.halted.Store(&reason)
		c.Logger.Error("halted before the first decision", "reason", reason)
		return p, recovery, err
	}
	if err != nil && p.store != nil {
		p.store.Close()
	}
	return p, recovery, err
}

// ErrInconsistent is a log that has lost what the store or the other log knows of.
var ErrInconsistent = errors.New("the logs are unsound")

// restore compares the witnesses and sets everything to where the last life ended.
func (p *Projector) restore(ctx context.Context, state domain.LogState, recovery *Recovery) error {
	var first, last uint64 // of the outbox
	err := p.store.view(func(tx *bolt.Tx) (err error) {
		first, last = outboxRange(tx)
		p.checkpoint, err = readCheckpoint(tx)
		return err
	})
	if err != nil {
		return err
	}
	if err := p.checkConsistent(state, first, last); err != nil {
		return fmt.Errorf("%w: %w", ErrInconsistent, err)
	}
	p.committed, p.logTime = p.checkpoint, p.checkpoint.now
	if n := p.checkpoint.sequence / domain.SequencesPerMessage; n > 0 {
		p.message = n - 1 // its commands are decided, all or some: it is read again
	}
	p.confirmed = min(p.checkpoint.confirmed, state.Events.Last)
	p.eventsEnd.Store(state.Events.Last)
	p.commandsEnd.Store(state.Commands.Last)
	p.startTarget = startTarget{state.Commands.Last * domain.SequencesPerMessage, state.Events.Last}
	recovery.Events = p.checkpoint.events
	if p.checkpoint.events > state.Events.Last && p.checkpoint.confirmed > state.Events.Last {
		recovery.Republished = int(p.checkpoint.confirmed - state.Events.Last)
	}
	if message := p.checkpoint.sequence / domain.SequencesPerMessage; message > state.Commands.Last {
		// The power went before COMMANDS was on disk; its outcomes stand in the store. Their places must not be given again.
		recovery.Noops = message - state.Commands.Last
		if err := p.Log.AppendNoops(ctx, message); err != nil {
			return fmt.Errorf("filling COMMANDS up to message %d: %w", message, err)
		}
	}
	return p.restorePending()
}

// checkConsistent says why the node must not go on.
func (p *Projector) checkConsistent(state domain.LogState, first, last uint64) error {
	// What the outbox holds can be sent again, so EVENTS may end anywhere in it.
	covered := p.checkpoint.events
	if last != 0 {
		covered = first - 1
		if last != p.checkpoint.events {
			return fmt.Errorf("the outbox ends at event %d, the store at %d", last, p.checkpoint.events)
		}
	}
	sequence := p.checkpoint.sequence
	if p.Log.Embedded() && state.Events.Last >= covered {
		sequence = min(sequence, state.Commands.Last*domain.SequencesPerMessage) // voids will fill the rest
	}
	return checkLogs(state, sequence, min(covered, p.checkpoint.events))
}

// restorePending makes what is in the outbox and not confirmed pending again.
func (p *Projector) restorePending() error {
	return p.store.view(func(tx *bolt.Tx) error {
		records, err := readOutbox(tx, p.confirmed+1)
		if err != nil {
			return err
		}
		for _, record := range records {
			r, ok, err := readJournalRow(tx, record.Number)
			if err != nil || !ok {
				return errors.Join(errDamaged, err)
			}
			e, err := p.Log.DecodeEvent(record)
			if err != nil {
				return err
			}
			p.pending = append(p.pending, pendingEvent{ConfirmedEvent{e, r.prevOfUser, r.prevOfEntity}, record, r})
		}
		p.splitLastEvents()
		return nil
	})
}

// splitLastEvents moves the heads that are not confirmed to fresh, and puts the confirmed ones before them in their place.
func (p *Projector) splitLastEvents() {
	for i := len(p.pending) - 1; i >= 0; i-- {
		e := p.pending[i].event
		if e.User != "" {
			unwind(p.unconfirmed.user, p.lastEvents.user, e.User, e.Number, e.PrevOfUser)
		}
		unwind(p.unconfirmed.entity, p.lastEvents.entity, entityKey(e.Event), e.Number, e.PrevOfEntity)
	}
}

func unwind(unconfirmed, confirmed map[string]uint64, key string, n, prev uint64) {
	if _, known := unconfirmed[key]; !known {
		unconfirmed[key] = n
	}
	if confirmed[key] = prev; prev == 0 {
		delete(confirmed, key)
	}
}
