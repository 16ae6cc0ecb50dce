package streamtest

import (
	"context"

	"onsale/domain"
	"onsale/streams"
)

// RetimedCommands is COMMANDS in time-lapse: each message was stored when the test says.
type RetimedCommands struct {
	*streams.CommandConsumer
	batches chan domain.Batch
}

// RetimeCommands reads commands, and gives each batch to whoever reads at the time that at says of it. It ends with them.
func RetimeCommands(ctx context.Context, commands *streams.CommandConsumer, at func(domain.Batch) domain.Time) RetimedCommands {
	r := RetimedCommands{commands, make(chan domain.Batch)}
	go func() {
		defer close(r.batches)
		for b := range commands.Batches() {
			select {
			case r.batches <- RetimeBatch(b, at(b)):
			case <-ctx.Done(): // and on to the end: only behind it may anybody ask for the error
			}
		}
	}()
	return r
}

// Batches takes the place of the log's.
func (r RetimedCommands) Batches() <-chan domain.Batch { return r.batches }

// RetimeBatch is the batch as if it had been stored then.
func RetimeBatch(b domain.Batch, at domain.Time) domain.Batch {
	b.At = at
	for i := range b.Commands {
		b.Commands[i].At = at
	}
	return b
}
