// Waiting for an outcome, and finding one that is there.
package projections

import (
	"context"
	"errors"

	"onsale/domain"
)

// waiting are those who want to hear of a command, by its sequence. Each hears its outcome once; a channel that is closed
// without one says: look for yourself.
type waiting map[uint64][]chan<- Outcome

// answer tells an outcome to those who wait for it.
func (w waiting) answer(o Outcome) {
	for _, ch := range w[o.Sequence] {
		ch <- o // has room for one
	}
	delete(w, o.Sequence)
}

// release lets those go who wait for a command that repeats an earlier request: no event answers it.
func (w waiting) release(sequence uint64) {
	for _, ch := range w[sequence] {
		close(ch)
	}
	delete(w, sequence)
}

// abandon lets everybody go.
func (w waiting) abandon() {
	for sequence := range w {
		w.release(sequence)
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
		p.waiting[sequence] = append(p.waiting[sequence], ch)
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
		p.waiting.leave(sequence, ch)
		p.mu.Unlock()
		return Outcome{}, ctx.Err()
	}
}

// leave takes one waiter out who has lost patience.
func (w waiting) leave(sequence uint64, gone chan<- Outcome) {
	chans := w[sequence]
	for i, ch := range chans {
		if ch == gone {
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
		first := p.shop.Requests[id].Event
		p.mu.RUnlock()
		if o, ok, err = p.outcome(first); err != nil || !ok {
			return o, errors.Join(err, errors.New("no such request"))
		}
	}
	return o, p.WaitConfirmed(ctx, o.Event)
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
		m, changed := p.committed, p.changed
		p.mu.RUnlock()
		if m.sequence >= sequence {
			return p.WaitConfirmed(ctx, m.events)
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
