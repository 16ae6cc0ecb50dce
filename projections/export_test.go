package projections

import (
	"time"

	"onsale/projections/store"
)

// SetBeforeCommit injects a crash between the work of a transaction and its commit. Call it before Run.
func (p *Projector) SetBeforeCommit(fail func() error) { p.beforeCommit = fail }

// HasWaiter says that Await waits for the command at sequence.
func (p *Projector) HasWaiter(sequence uint64) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.waiters[sequence]) > 0
}

// LiveState is the state in memory. Call it after Run.
func (p *Projector) LiveState() store.State {
	return store.State{Machine: p.machine, Counters: p.counters}
}

// StoredState is the state in the store.
func (p *Projector) StoredState() (store.State, error) { return p.store.Load() }

// RecordDecided notes for the rate what would have been decided just now.
func (p *Projector) RecordDecided(commands, messages int, busy time.Duration) {
	p.rate.note(time.Now(), second{commands: commands, messages: messages, busy: busy})
}

// SetDoubt shortens the times of a doubt.
func (c *Config) SetDoubt(ask, patience time.Duration) { c.doubt = doubtTimes{ask, ask, patience} }
