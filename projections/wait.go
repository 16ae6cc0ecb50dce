// Waiting for an outcome, and finding one that is there.

package projections

import (
	"context"
	"errors"

	"onsale/domain"
)

// waiters are those who want to hear of a command, by its sequence. Each hears its outcome once; a channel that is closed
// without one says: look for yourself.
type waiters map[uint64][]chan<- Outcome

// deliver tells an outcome to those who wait for it.
func (w waiters) deliver(o Outcome) {
	for _, ch := range w[o.Sequence] {
		ch <- o // has room for one
	}
	delete(w, o.Sequence)
}

// cancel lets those go who wait for a command that repeats an earlier request: no event answers it.
func (w waiters) cancel(sequence uint64) {
	for _, ch := range w[sequence] {
		close(ch)
	}
	delete(w, sequence)
}

// cancelAll lets everybody go.
func (w waiters) cancelAll() {
	for sequence := range w {
		w.cancel(sequence)
	}
}

// Await waits for the outcome of the command at sequence, which carried request id. The error is ctx's or ErrHalted.
func (p *Projector) Await(ctx context.Context, id domain.RequestID, sequence uint64) (Outcome, error) {
	ch := make(chan Outcome, 1)
	p.mu.Lock()
	if p.halted.Load() != nil {
		p.mu.Unlock()
		return Outcome{}, p.haltedError()
	}
	decided := sequence <= p.committed.sequence
	if !decided {
		p.waiters[sequence] = append(p.waiters[sequence], ch)
	}
	p.mu.Unlock()
	if decided {
		return p.awaitDecided(ctx, id, sequence)
	}
	select {
	case o, ok := <-ch:
		if ok {
			return o, nil
		}
		if err := p.haltedError(); err != nil {
			return o, err
		}
		return p.awaitDecided(ctx, id, sequence)
	case <-ctx.Done():
		p.mu.Lock()
		p.waiters.remove(sequence, ch)
		p.mu.Unlock()
		return Outcome{}, ctx.Err()
	}
}

// remove takes one waiter out who has lost patience.
func (w waiters) remove(sequence uint64, waiter chan<- Outcome) {
	chans := w[sequence]
	for i, ch := range chans {
		if ch == waiter {
			chans = append(chans[:i], chans[i+1:]...)
			break
		}
	}
	if w[sequence] = chans; len(chans) == 0 {
		delete(w, sequence)
	}
}

// awaitDecided finds the event that says the outcome, and waits until it may be told.
func (p *Projector) awaitDecided(ctx context.Context, id domain.RequestID, sequence uint64) (Outcome, error) {
	o, ok, err := p.OutcomeAt(sequence)
	if err != nil {
		return o, err
	}
	if !ok { // a repetition has no event of its own
		p.mu.RLock()
		record, _ := p.machine.Request(id)
		first := record.EventNumber
		p.mu.RUnlock()
		if o, ok, err = p.readOutcome(first); err != nil || !ok {
			return o, errors.Join(err, errors.New("no such request"))
		}
	}
	return o, p.WaitConfirmed(ctx, o.EventNumber)
}

// WaitConfirmed waits until event n may be told. The error is ctx's or ErrHalted.
func (p *Projector) WaitConfirmed(ctx context.Context, n uint64) error {
	for {
		p.mu.RLock()
		confirmed, changed := p.confirmed, p.changed
		p.mu.RUnlock()
		if confirmed >= n {
			return nil
		}
		if err := p.haltedError(); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// WaitDecided waits until the command at sequence is decided and its events are confirmed.
func (p *Projector) WaitDecided(ctx context.Context, sequence uint64) error {
	for {
		p.mu.RLock()
		cp, changed := p.committed, p.changed
		p.mu.RUnlock()
		if cp.sequence >= sequence {
			return p.WaitConfirmed(ctx, cp.events)
		}
		if err := p.haltedError(); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
