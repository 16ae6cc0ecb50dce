package projections

import (
	"bytes"
	"time"

	bolt "go.etcd.io/bbolt"
)

// SetBeforeCommit stages a crash between the work of a transaction and its commit. Before Run.
func (p *Projector) SetBeforeCommit(fail func() error) { p.beforeCommit = fail }

// Waits says that somebody waits for the command at sequence.
func (p *Projector) Waits(sequence uint64) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.waiting[sequence]) > 0
}

// Lived is the shop that the projector has in its memory, as text, and its tally. After Run.
func (p *Projector) Lived() (text string, events map[string]uint64, err error) {
	var b bytes.Buffer
	err = p.shop.Dump(&b)
	return b.String(), p.tally.byName(), err
}

// Loaded is the same of the shop that its store holds.
func (p *Projector) Loaded() (text string, events map[string]uint64, err error) {
	return p.store.Loaded()
}

// Loaded is the shop that the store holds, as text, and its tally.
func (s *Store) Loaded() (text string, events map[string]uint64, err error) {
	var b bytes.Buffer
	err = s.view(func(tx *bolt.Tx) error {
		past := newPast()
		if err := past.load(tx); err != nil {
			return err
		}
		events = past.tally.byName()
		return past.shop.Dump(&b)
	})
	return b.String(), events, err
}

// Decided notes for the pace what would have been decided just now.
func (p *Projector) Decided(commands, messages int, busy time.Duration) {
	p.pace.note(time.Now(), second{commands: commands, messages: messages, busy: busy})
}
