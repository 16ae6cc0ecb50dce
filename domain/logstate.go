// Errors and states of the two logs. They are in domain because http and projections branch on them and do not know JetStream.

package domain

import (
	"errors"
	"fmt"
)

var (
	// ErrNoAck: no acknowledgement came. The command or event may be in the log or not. Nothing retries it by itself: the caller
	// reads the log, or sends the same request again, which is idempotent.
	ErrNoAck = errors.New("the log did not say whether it stored this")
	// ErrUnavailable: the log cannot be reached or did not take it. Nothing was stored, and a retry may succeed.
	ErrUnavailable = errors.New("the log is unavailable")
	// ErrFull: the log or its disk has no room. Nothing was stored.
	ErrFull = errors.New("the log is full")
	// ErrFenced: EVENTS does not end where these events begin. Some or all of them may be there already.
	ErrFenced = errors.New("EVENTS does not end before these events")
	// ErrUnknownType: a command or event that a newer onsale wrote. A node that reads one halts: it does not decide what it does not
	// know.
	ErrUnknownType = errors.New("needs a newer onsale")
	// ErrUnreadable: a reader cannot go on, by what the server of the log says: it lacks a message that the log had, or the log itself.
	// On a cluster it has said so for long, and may be wrong.
	ErrUnreadable = errors.New("the log cannot be read")
	// ErrForeign: EVENTS has a message that another program has published.
	ErrForeign = errors.New("another program has published into EVENTS")
	// ErrClosed: the log was closed on this node. Nothing was stored.
	ErrClosed = errors.New("the log is closed")
)

// LogState is the state of both logs, as reported by their leader.
type LogState struct{ Commands, Events StreamState }

// StreamState is the state of one log.
type StreamState struct {
	First, Last, Messages uint64
	Deleted               int
	Bytes, MaxBytes       uint64
}

// CheckContiguous returns an error for a log that has lost messages: a whole log begins at 1 and has as many messages as its last
// sequence. nats-server reports a log as healthy that has lost its middle.
func (s StreamState) CheckContiguous() error {
	if s.Last == 0 && s.Messages == 0 {
		return nil
	}
	if s.First != 1 || s.Deleted != 0 || s.Messages != s.Last {
		return fmt.Errorf("it holds %d messages from %d to %d, %d deleted: some are missing", s.Messages, s.First, s.Last, s.Deleted)
	}
	return nil
}
