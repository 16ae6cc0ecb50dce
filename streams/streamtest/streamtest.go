// Package streamtest gives tests a real log: an embedded one in a temporary directory, or a cluster of nats-servers in this
// process. Nothing is mocked; what has to fail is made to fail with streams.Log.SetHook, or by stopping a server.
package streamtest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"onsale/streams"
)

// Config is a small embedded log below dir, synced every second.
func Config(tb testing.TB, dir string) streams.Config {
	return streams.Config{
		Dir:              dir,
		Node:             "test",
		Sync:             time.Second,
		CommandsMaxBytes: 1 << 30,
		EventsMaxBytes:   1 << 30,
		Log:              slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
}

// Start opens an embedded log in a directory of its own and closes it at the end of the test.
func Start(tb testing.TB) *streams.Log {
	tb.Helper()
	return Open(tb, Config(tb, tb.TempDir()))
}

// Open opens a log and closes it at the end of the test. Closing it before is fine.
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
