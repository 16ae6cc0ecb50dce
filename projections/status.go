// How the projector is, for whoever asks.
package projections

import (
	"context"
	"fmt"
)

// Status is how the projector is.
type Status struct {
	Halted    string // why it stopped deciding; "" while it decides
	CaughtUp  bool   // everything that stood in the logs at start is decided and may be told
	Decided   uint64 // sequence of the last decided command
	Confirmed uint64 // number of the last event that may be told
	Events    uint64 // number of the last event in the store
	Full      bool   // EVENTS has no room
}

// Status is how the projector is now.
func (p *Projector) Status() Status {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := Status{
		Decided: p.committed.sequence, Confirmed: p.confirmed, Events: p.committed.events, Full: p.outboxFull.Load(),
		CaughtUp: p.caughtUp(),
	}
	if reason := p.halted.Load(); reason != nil {
		s.Halted = *reason
	}
	return s
}

// Confirmed is the number of the last event that may be told.
func (p *Projector) Confirmed() uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.confirmed
}

// Close gives the store back, after Run has returned.
func (p *Projector) Close() error {
	if p.store == nil {
		return nil // its file belongs to another log
	}
	return p.store.Close()
}

func (p *Projector) haltedError() error {
	if reason := p.halted.Load(); reason != nil {
		return fmt.Errorf("%w: %s", ErrHalted, *reason)
	}
	return nil
}

// caughtUp is asked with mu held.
func (p *Projector) caughtUp() bool {
	return p.committed.sequence >= p.goal.sequence && p.confirmed >= p.goal.events
}

// WaitCaughtUp waits until everything that stood in the logs at start is decided and may be told.
func (p *Projector) WaitCaughtUp(ctx context.Context) error {
	if err := p.WaitDecided(ctx, p.goal.sequence); err != nil {
		return err
	}
	return p.WaitConfirmed(ctx, p.goal.events)
}
