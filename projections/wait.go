// Waiting for an outcome, and finding one that is there.
package projections

import (
	"cmp"
	"context"
	"errors"

	"onsale/domain"
)

// waiting are those who want to hear of a command: by its sequence, or, when it repeats an earlier request whose outcome
// is decided and not yet confirmed, by the number of that event.
type waiting struct {
	bySequence, byEvent map[uint64][]chan<- Outcome
}

// repeat is a command that asked again for what event says.
type repeat struct{ sequence, event uint64 }

// answer tells an outcome to those who wait for it.
func (w *waiting) answer(o Outcome) {
	for _, ch := range w.bySequence[o.Sequence] {
		ch <- o // has room for one
	}
	for _, ch := range w.byEvent[o.Event] {
		ch <- o
	}
	delete(w.bySequence, o.Sequence)
	delete(w.byEvent, o.Event)
}

// abandon lets everybody go without an answer.
func (w *waiting) abandon() {
	for _, m := range []map[uint64][]chan<- Outcome{w.bySequence, w.byEvent} {
		for n, chans := range m {
			for _, ch := range chans {
				close(ch)
			}
			delete(m, n)
		}
	}
}

// repeated sends those who wait for a repetition to the first outcome. Called with mu held, after the commit.
func (p *Projector) repeated(repeats []repeat) {
	for _, r := range repeats {
		chans := p.waiting.bySequence[r.sequence]
		if len(chans) == 0 {
			continue
		}
		delete(p.waiting.bySequence, r.sequence)
		if r.event > p.confirmed {
			p.waiting.byEvent[r.event] = append(p.waiting.byEvent[r.event], chans...)
			continue
		}
		o, ok, err := p.outcome(r.event)
		for _, ch := range chans {
			if ok && err == nil {
				ch <- o
			} else {
				close(ch)
			}
		}
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
		p.waiting.bySequence[sequence] = append(p.waiting.bySequence[sequence], ch)
	}
	p.mu.Unlock()
	if decided {
		return p.awaitDecided(ctx, id, sequence)
	}
	select {
	case o, ok := <-ch:
		if !ok {
			return o, cmp.Or(p.haltedError(), errors.New("the first outcome of this request cannot be read"))
		}
		return o, nil
	case <-ctx.Done():
		p.mu.Lock()
		p.waiting.leave(sequence, ch)
		p.mu.Unlock()
		return Outcome{}, ctx.Err()
	}
}

// leave takes one waiter out who has lost patience.
func (w *waiting) leave(sequence uint64, gone chan<- Outcome) {
	chans := w.bySequence[sequence]
	for i, ch := range chans {
		if ch == gone {
			chans = append(chans[:i], chans[i+1:]...)
			break
		}
	}
	if w.bySequence[sequence] = chans; len(chans) == 0 {
		delete(w.bySequence, sequence)
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
