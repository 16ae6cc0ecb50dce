package payments_test

import (
	"context"
	"sync"
	"time"

	"onsale/domain"
	"onsale/projections"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// lapse is time-lapse: the log's time is the real one, and so much more as the test has jumped. A message keeps the time that
// it was first read with, for every node that reads it and however often.
type lapse struct {
	mu     sync.Mutex
	jumped time.Duration
	at     map[uint64]domain.Time // by message
}

func (l *lapse) jump(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jumped += d
}

func (l *lapse) stored(b domain.Batch) domain.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.at[b.Message]; !known {
		l.at[b.Message] = b.At.Add(l.jumped)
	}
	return l.at[b.Message]
}

// commands reads log through the time-lapse.
func (l *lapse) commands(log *streams.Log) func(context.Context, uint64) (projections.Commands, error) {
	return func(ctx context.Context, from uint64) (projections.Commands, error) {
		commands, err := log.Commands(ctx, from)
		if err != nil {
			return nil, err
		}
		return streamtest.NewLapse(ctx, commands, l.stored), nil
	}
}
