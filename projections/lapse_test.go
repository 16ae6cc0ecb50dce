package projections_test

import (
	"context"
	"iter"
	"time"

	"onsale/domain"
	"onsale/projections"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// lapse is time-lapse: to whoever reads COMMANDS through it, each message was stored so much later than the one before it.
// So an hour of offers and holds that run out takes a moment, and is the same to the projector and to the audit. It lies
// in the future, where no clock strikes. 0: time as it is.
type lapse struct {
	*streams.Log
	each time.Duration
}

// lapseBegan is ten o'clock: what comes back at the full hour has an hour.
var lapseBegan = domain.At(time.Date(2050, 1, 1, 10, 0, 0, 0, time.UTC))

func (l lapse) at(b domain.Batch) domain.Time {
	if l.each == 0 {
		return b.At
	}
	return lapseBegan.Add(time.Duration(b.Message) * l.each)
}

func (l lapse) Messages(ctx context.Context, from uint64) iter.Seq2[domain.Batch, error] {
	return func(yield func(domain.Batch, error) bool) {
		for b, err := range l.Log.Messages(ctx, from) {
			if !yield(streamtest.Stored(b, l.at(b)), err) {
				return
			}
		}
	}
}

func (l lapse) Commands(ctx context.Context, from uint64) (projections.Commands, error) {
	commands, err := l.Log.Commands(ctx, from)
	if err != nil {
		return nil, err
	}
	return streamtest.NewLapse(ctx, commands, l.at), nil
}
