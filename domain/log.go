// What the two logs can answer beside "it is done". The errors stand here because http and projections, which do not know
// JetStream, branch on them.
package domain

import "errors"

var (
	// ErrUnknown: no acknowledgement came. The command or event may stand in the log or not; only the log can tell.
	ErrUnknown = errors.New("the log did not say whether it stored this")
	// ErrFull: the log or its disk has no room. Nothing was stored.
	ErrFull = errors.New("the log is full")
	// ErrFenced: EVENTS does not end where these events begin. Some or all of them may stand there already.
	ErrFenced = errors.New("somebody else has written these events")
	// ErrUnknownType: a type or version that this program does not know.
	ErrUnknownType = errors.New("needs a newer onsale")
	// ErrClosed: the log is shut on this node. Nothing was stored.
	ErrClosed = errors.New("the log is closed")
)
