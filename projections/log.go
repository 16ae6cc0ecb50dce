// What the projector needs of the two logs. Package streams implements it.

package projections

import (
	"context"
	"iter"

	"onsale/domain"
	"onsale/projections/store"
)

// Log is COMMANDS and EVENTS as one node uses them.
type Log interface {
	// State is the state of both logs as their leaders report it.
	State(context.Context) (domain.LogState, error)
	// Embedded says that only this process writes to the logs.
	Embedded() bool

	// Append appends a command and returns its sequence.
	Append(context.Context, domain.Command) (sequence uint64, err error)
	// AppendNoops appends no-ops to COMMANDS until upTo is its last message.
	AppendNoops(ctx context.Context, upTo uint64) error

	// AppendEvents appends records to EVENTS, each only at its own number. nil: EVENTS has all of them. domain.ErrFenced: EVENTS
	// does not end where they begin. domain.ErrNoAck: EVENTS has some, all or none. domain.ErrFull: there was no room for some.
	AppendEvents(context.Context, []domain.Record) error
	store.EventLog
	// EventHashes is Events without payloads.
	EventHashes(ctx context.Context, from uint64) iter.Seq2[domain.Record, error]

	EncodeEvent(previous domain.Hash, e domain.Event) (domain.Record, error)
}

// CommandConsumer delivers the messages of COMMANDS in order. A message may be delivered again; none is skipped silently.
type CommandConsumer interface {
	// Batches is closed when the consumer has ended.
	Batches() <-chan domain.Batch
	// Err is the reason, once Batches is closed.
	Err() error
	// Ack says that everything up to this message is decided and committed. Only monitoring of the consumer depends on it.
	Ack(message uint64)
}
