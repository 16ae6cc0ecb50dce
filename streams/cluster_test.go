package streams_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

func clusterConfig(tb testing.TB, servers *streamtest.Servers, node string) streams.Config {
	return streams.Config{URLs: servers.URLs, Node: node, Replicas: 3, CommandsMaxBytes: 64 << 20, EventsMaxBytes: 64 << 20,
		Log: slog.New(slog.NewTextHandler(tb.Output(), nil)).With("node", node)}
}

// TestCluster runs two nodes on three servers through the restart of each server.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	servers := streamtest.Cluster(t, 3)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	// Two nodes make the streams at the same time.
	var nodes [2]*streams.Log
	var opening sync.WaitGroup
	for i, name := range []string{"a", "b"} {
		opening.Go(func() {
			var err error
			if nodes[i], err = streams.Open(ctx, clusterConfig(t, servers, name)); err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
	if t.Failed() {
		t.FailNow()
	}
	a, b := nodes[0], nodes[1]
	defer a.Close()
	defer b.Close()
	if a.Epoch() != b.Epoch() || a.Embedded() {
		t.Fatal(a.Epoch(), b.Epoch())
	}
	if err := a.AppendVoids(ctx, 10); err == nil {
		t.Fatal("a cluster's log was filled up")
	}

	// Both emit the same events: one is faster, the other is told so, and the log is one chain.
	records := chain(t, 0, domain.Hash{}, 600)
	if err := a.Emit(ctx, records[:40]); err != nil {
		t.Fatal(err)
	}
	if err := b.Emit(ctx, records[:80]); !errors.Is(err, streams.ErrFenced) {
		t.Fatal("a piece that begins with what is there:", err)
	}
	if last := state(t, b).Events.Last; last != 40 {
		t.Fatal(last)
	}

	// While servers go away and come back, one node appends, and both read.
	readers := []*streams.Commands{clusterCommands(t, ctx, a), clusterCommands(t, ctx, b)}
	var followed sync.WaitGroup
	for _, l := range nodes {
		followed.Go(func() {
			next := uint64(1)
			for record, err := range l.Records(ctx, 1, "") {
				if err != nil || record.Number != next {
					t.Errorf("event %d, want %d: %v", record.Number, next, err)
					return
				}
				if next++; next > 600 {
					return
				}
			}
		})
	}
	told, unsure := 0, 0
	appendOne := func() {
		_, err := a.Append(ctx, issue(told+unsure))
		switch {
		case err == nil:
			told++
		case errors.Is(err, streams.ErrUnknown):
			unsure++
		case !errors.Is(err, streams.ErrUnavailable):
			t.Fatal(err)
		}
	}
	emitted := uint64(40)
	for i := range 3 {
		stopped := (servers.LeaderOf("COMMANDS") + 3) % 3
		t.Logf("round %d: server %d stops", i, stopped)
		servers.Stop(stopped)
		for range 100 {
			appendOne()
		}
		for to := min(600, emitted+200); emitted < to; {
			if err := nodes[i%2].Emit(ctx, records[emitted:to]); err != nil {
				if ctx.Err() != nil {
					t.Fatal(err)
				}
				t.Log("emit:", err)
				time.Sleep(200 * time.Millisecond)
				s, err := b.State(ctx)
				if err == nil {
					emitted = s.Events.Last
				}
				continue
			}
			emitted = to
		}
		servers.Restart(stopped)
		appendOne()
	}
	followed.Wait()
	s := state(t, a)
	if s.Commands.Whole() != nil || s.Events.Whole() != nil || s.Events.Last != 600 {
		t.Fatalf("%+v", s)
	}
	if s.Commands.Last < uint64(told) || s.Commands.Last > uint64(told+unsure) {
		t.Fatalf("%d messages, %d were told and %d unknown", s.Commands.Last, told, unsure)
	}
	for _, r := range readers {
		expect(t, r, 1, s.Commands.Last)
		r.Ack(s.Commands.Last)
	}
	t.Logf("%d told, %d unknown, %d in the log", told, unsure, s.Commands.Last)
}

func clusterCommands(t *testing.T, ctx context.Context, l *streams.Log) *streams.Commands {
	t.Helper()
	c, err := l.Commands(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}
