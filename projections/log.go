// What the projector needs of the two logs. Package streams has it; staged tests break it.

package projections

import (
	"context"
	"iter"

	"onsale/domain"
	"onsale/projections/store"
)

// Log is COMMANDS and EVENTS as one node uses them.
type Log interface {
	// State is how both logs stand, as their leaders say.
	State(context.Context) (domain.LogState, error)
	// Embedded says that this process alone writes to the logs.
	Embedded() bool

	// Append stores a command and gives its place in line.
	Append(context.Context, domain.Command) (sequence uint64, err error)
	// AppendNoops fills COMMANDS with voids until until is its last message.
	AppendNoops(ctx context.Context, upTo uint64) error

	// AppendEvents appends records to EVENTS, each only at its own number. nil: all stand there. domain.ErrFenced: EVENTS does not
	// end where they begin. domain.ErrUnknown: some, all or none stand there. domain.ErrFull: there was no room for some.
	AppendEvents(context.Context, []domain.Record) error
	store.EventLog
	// EventHashes is Records without payloads.
	EventHashes(ctx context.Context, from uint64) iter.Seq2[domain.Record, error]

	EncodeEvent(previous domain.Hash, e domain.Event) (domain.Record, error)
}

// CommandConsumer are the messages of COMMANDS in order. A message may come again; none is left out unnoticed.
type CommandConsumer interface {
	// Batches is closed when the reading has ended.
	Batches() <-chan domain.Batch
	// Err says why, once Batches is closed.
	Err() error
	// Ack says that everything up to this message is decided and committed. It is for those who watch the consumer only.
	Ack(message uint64)
}
