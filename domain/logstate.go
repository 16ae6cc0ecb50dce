// What the two logs can answer beside "it is done". The errors stand here because http and projections, which do not know
// JetStream, branch on them.

package domain

import (
	"errors"
	"fmt"
)

var (
	// ErrNoAck: no acknowledgement came. The command or event may stand in the log or not; only the log can tell.
	ErrNoAck = errors.New("the log did not say whether it stored this")
	// ErrFull: the log or its disk has no room. Nothing was stored.
	ErrFull = errors.New("the log is full")
	// ErrFenced: EVENTS does not end where these events begin. Some or all of them may stand there already.
	ErrFenced = errors.New("somebody else has written these events")
	// ErrUnknownType: a type or version that this program does not know.
	ErrUnknownType = errors.New("needs a newer onsale")
	// ErrClosed: the log is shut on this node. Nothing was stored.
	ErrClosed = errors.New("the log is closed")
)

// LogState is how both logs stand, as their leader says.
type LogState struct{ Commands, Events StreamState }

// StreamState is how one log stands.
type StreamState struct {
	First, Last, Messages uint64
	Deleted               int
	Bytes, MaxBytes       uint64
}

// CheckContiguous says what is wrong with a log that has lost something: a log that keeps everything begins at 1 and has as many
// messages as its last sequence says. nats-server calls a log healthy that has lost its middle; this does not.
func (s StreamState) CheckContiguous() error {
	if s.Last == 0 && s.Messages == 0 {
		return nil
	}
	if s.First != 1 || s.Deleted != 0 || s.Messages != s.Last {
		return fmt.Errorf("it holds %d messages from %d to %d, %d deleted: some are missing", s.Messages, s.First, s.Last, s.Deleted)
	}
	return nil
}
