package streamtest

import (
	"context"

	"onsale/domain"
	"onsale/streams"
)

// Lapse is COMMANDS in time-lapse: each message was stored when the test says.
type Lapse struct {
	*streams.Commands
	batches chan domain.Batch
}

// NewLapse reads commands, and gives each batch to whoever reads at the time that at says of it. It ends with them.
func NewLapse(ctx context.Context, commands *streams.Commands, at func(domain.Batch) domain.Time) Lapse {
	l := Lapse{commands, make(chan domain.Batch)}
	go func() {
		defer close(l.batches)
		for b := range commands.Batches() {
			select {
			case l.batches <- Stored(b, at(b)):
			case <-ctx.Done(): // and on to the end: only behind it may anybody ask for the error
			}
		}
	}()
	return l
}

// Batches takes the place of the log's.
func (l Lapse) Batches() <-chan domain.Batch { return l.batches }

// Stored is the batch as if it had been stored then.
func Stored(b domain.Batch, at domain.Time) domain.Batch {
	b.At = at
	for i := range b.Commands {
		b.Commands[i].At = at
	}
	return b
}
