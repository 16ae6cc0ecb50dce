package projections

import (
	"bytes"
	"time"

	bolt "go.etcd.io/bbolt"
)

// SetBeforeCommit stages a crash between the work of a transaction and its commit. Before Run.
func (p *Projector) SetBeforeCommit(fail func() error) { p.beforeCommit = fail }

// HasWaiter says that somebody waits for the command at sequence.
func (p *Projector) HasWaiter(sequence uint64) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.waiters[sequence]) > 0
}

// LiveState is the shop that the projector has in its memory, as text, and its tally. After Run.
func (p *Projector) LiveState() (text string, events map[string]uint64, err error) {
	var b bytes.Buffer
	err = p.machine.Dump(&b)
	return b.String(), p.counters.byName(), err
}

// StoredState is the same of the shop that its store holds.
func (p *Projector) StoredState() (text string, events map[string]uint64, err error) {
	return p.store.StoredState()
}

// StoredState is the shop that the store holds, as text, and its tally.
func (s *Store) StoredState() (text string, events map[string]uint64, err error) {
	var b bytes.Buffer
	err = s.view(func(tx *bolt.Tx) error {
		loaded := newLoadedState()
		if err := loaded.load(tx); err != nil {
			return err
		}
		events = loaded.counters.byName()
		return loaded.machine.Dump(&b)
	})
	return b.String(), events, err
}

// RecordDecided notes for the pace what would have been decided just now.
func (p *Projector) RecordDecided(commands, messages int, busy time.Duration) {
	p.rate.note(time.Now(), second{commands: commands, messages: messages, busy: busy})
}
