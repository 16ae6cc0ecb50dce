package projections

// SetBeforeCommit stages a crash between the work of a transaction and its commit. Before Run.
func (p *Projector) SetBeforeCommit(fail func() error) { p.beforeCommit = fail }
