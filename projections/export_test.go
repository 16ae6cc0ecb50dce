package projections

// SetBeforeCommit stages a crash between the work of a transaction and its commit. Before Run.
func (p *Projector) SetBeforeCommit(fail func() error) { p.beforeCommit = fail }

// Waits says that somebody waits for the command at sequence.
func (p *Projector) Waits(sequence uint64) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.waiting[sequence]) > 0
}
