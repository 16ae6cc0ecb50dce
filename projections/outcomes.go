// Outcomes: waiting for the event that answers a command, and finding it later. Queries read here, too.

package projections

import (
	"context"
	"errors"
	"slices"

	"onsale/domain"
	"onsale/projections/store"
)

// waiters are the channels that wait for the outcome of a command, by its sequence. Each receives it once; a channel that is
// closed without it has to look the outcome up.
type waiters map[uint64][]chan<- domain.Event

// deliver sends an outcome to its waiters.
func (w waiters) deliver(e domain.Event) {
	for _, ch := range w[e.Sequence] {
		ch <- e // has room for one
	}
	delete(w, e.Sequence)
}

// cancel closes the waiters of a command that repeats an earlier request: no event answers it.
func (w waiters) cancel(sequence uint64) {
	for _, ch := range w[sequence] {
		close(ch)
	}
	delete(w, sequence)
}

func (w waiters) cancelAll() {
	for sequence := range w {
		w.cancel(sequence)
	}
}

// remove unregisters a waiter whose context ended.
func (w waiters) remove(sequence uint64, waiter chan<- domain.Event) {
	w[sequence] = slices.DeleteFunc(w[sequence], func(ch chan<- domain.Event) bool { return ch == waiter })
	if len(w[sequence]) == 0 {
		delete(w, sequence)
	}
}

// Await waits for the confirmed outcome of the command at sequence, which carried request id. The error is ctx's or ErrHalted.
func (p *Projector) Await(ctx context.Context, id domain.RequestID, sequence uint64) (domain.Event, error) {
	ch := make(chan domain.Event, 1)
	p.mu.Lock()
	err, decided := p.haltedError(), sequence <= p.committed.Sequence
	if err == nil && !decided {
		p.waiters[sequence] = append(p.waiters[sequence], ch)
	}
	p.mu.Unlock()
	switch {
	case err != nil:
		return domain.Event{}, err
	case decided:
		return p.awaitDecided(ctx, id, sequence)
	}
	select {
	case e, ok := <-ch:
		if ok {
			return e, nil
		}
		if err := p.haltedError(); err != nil {
			return e, err
		}
		return p.awaitDecided(ctx, id, sequence)
	case <-ctx.Done():
		p.mu.Lock()
		p.waiters.remove(sequence, ch)
		p.mu.Unlock()
		return domain.Event{}, ctx.Err()
	}
}

// awaitDecided finds the outcome of a decided command, and waits until it is confirmed.
func (p *Projector) awaitDecided(ctx context.Context, id domain.RequestID, sequence uint64) (domain.Event, error) {
	e, ok, err := p.store.OutcomeAt(sequence)
	if err != nil {
		return e, err
	}
	if !ok { // a repeated request has no event of its own
		p.mu.RLock()
		first, _ := p.machine.Request(id)
		p.mu.RUnlock()
		if e, ok, err = p.store.Event(first.EventNumber); err != nil || !ok {
			return e, errors.Join(err, errors.New("no such request"))
		}
	}
	return e, p.WaitConfirmed(ctx, e.Number)
}

// OutcomeOf is the first outcome of a request; false: it is undecided on this node, or not confirmed yet.
func (p *Projector) OutcomeOf(id domain.RequestID) (domain.Event, bool, error) {
	p.mu.RLock()
	first, known := p.machine.Request(id)
	confirmed := known && first.EventNumber <= p.confirmed
	p.mu.RUnlock()
	if !confirmed {
		return domain.Event{}, false, nil
	}
	return p.store.Event(first.EventNumber)
}

// WaitConfirmed waits until event n is confirmed. The error is ctx's or ErrHalted.
func (p *Projector) WaitConfirmed(ctx context.Context, n uint64) error {
	return p.waitUntil(ctx, func() bool { return p.confirmed >= n })
}

// WaitDecided waits until the command at sequence is decided and its events are confirmed.
func (p *Projector) WaitDecided(ctx context.Context, sequence uint64) error {
	var cp store.Checkpoint
	err := p.waitUntil(ctx, func() bool {
		cp = p.committed
		return cp.Sequence >= sequence
	})
	if err != nil {
		return err
	}
	return p.WaitConfirmed(ctx, cp.Events)
}

// EventNumberAt is the number of the first event at or after t; one more than the last when there is none.
func (p *Projector) EventNumberAt(t domain.Time) (uint64, error) { return p.store.EventNumberAt(t) }

// LastOfUser is the number of the user's last confirmed event; 0 when there is none.
func (p *Projector) LastOfUser(user string) uint64 { return p.lastConfirmed(store.UserKey(user)) }

// LastOfEntity is the number of the last confirmed event of an entity ("seats", "demo").
func (p *Projector) LastOfEntity(kind, entity string) uint64 {
	return p.lastConfirmed(store.EntityKey(kind, entity))
}

func (p *Projector) lastConfirmed(key store.Key) uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.lastEvents.Of(key)
}

// Read gives read a view of the store for user; "" is anonymous. A user's lists have confirmed events only.
func (p *Projector) Read(user string, read func(*store.View) error) error {
	if err := p.haltedError(); err != nil {
		return err
	}
	return p.store.View(user, p.Confirmed(), p.LastOfUser(user), read)
}
