// Package projections keeps the read store: one bbolt file that is a function of EVENTS. The projector folds commands into
// it, one transaction for each batch: decide by the rules of package shop, write what changed, put the events into the
// outbox, move the checkpoint. Only after the commit are the events appended to EVENTS, and only what stands there is told
// to anybody. Screens, waiting requests and streams read what it says.
package projections
