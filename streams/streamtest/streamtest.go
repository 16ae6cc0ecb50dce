// Package streamtest opens real logs for tests: an embedded one in a temporary directory, or one on a cluster of nats-servers in
// this process. Nothing is mocked; tests inject faults with streams.Log.SetHook or by stopping a server.
package streamtest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"onsale/domain"
	"onsale/streams"
)

// Config configures a small embedded log in dir, synced every second.
func Config(tb testing.TB, dir string) streams.Config {
	return streams.Config{
		Dir:              dir,
		Node:             "test",
		Sync:             time.Second,
		CommandsMaxBytes: 1 << 30,
		EventsMaxBytes:   1 << 30,
		Logger:           slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
}

// Start opens an embedded log in a directory of its own and closes it at the end of the test.
func Start(tb testing.TB) *streams.Log {
	tb.Helper()
	return Open(tb, Config(tb, tb.TempDir()))
}

// Open opens a log and closes it at the end of the test. The test may close it earlier.
func Open(tb testing.TB, c streams.Config) *streams.Log {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	l, err := streams.Open(ctx, c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return l
}

// RetimedCommands is a CommandConsumer whose batches have other timestamps.
type RetimedCommands struct {
	*streams.CommandConsumer
	batches chan domain.Batch
}

// RetimeCommands forwards the batches of a consumer with the timestamps that at returns. It ends with the consumer.
func RetimeCommands(ctx context.Context, commands *streams.CommandConsumer, at func(domain.Batch) domain.Time) RetimedCommands {
	r := RetimedCommands{commands, make(chan domain.Batch)}
	go func() {
		defer close(r.batches)
		for b := range commands.Batches() {
			select {
			case r.batches <- RetimeBatch(b, at(b)):
			case <-ctx.Done(): // drain to the end: Err is valid only after it
			}
		}
	}()
	return r
}

// Batches replaces that of the consumer.
func (r RetimedCommands) Batches() <-chan domain.Batch { return r.batches }

// RetimeBatch sets the timestamp of a batch and its commands.
func RetimeBatch(b domain.Batch, at domain.Time) domain.Batch {
	b.At = at
	for i := range b.Commands {
		b.Commands[i].At = at
	}
	return b
}
