package streams_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// TestExternalServer_SurvivesRestart runs two nodes on one external nats-server, which is restarted.
func TestExternalServer_SurvivesRestart(t *testing.T) {
	server := streamtest.Cluster(t, 1)
	config := clusterConfig(t, server, "a")
	config.Replicas = 1
	a := streamtest.Open(t, config)
	config.Node = "b"
	b := streamtest.Open(t, config)

	// A batch that begins with events of another node is refused as a whole, even if its end would fit.
	records := recordChain(t, 0, domain.Hash{}, 60)
	if err := a.AppendEvents(t.Context(), records[:10]); err != nil {
		t.Fatal(err)
	}
	if err := b.AppendEvents(t.Context(), records[:40]); !errors.Is(err, domain.ErrFenced) {
		t.Fatal(err)
	}
	if last := state(t, b).Events.Last; last != 10 {
		t.Fatal(last)
	}

	appendCommands(t, a, 5)
	reader := consumeCommands(t, b, 1)
	expectMessages(t, reader, 1, 5)
	followed := make(chan error)
	go func() {
		next := uint64(1)
		for record, err := range b.Events(testContext(t), 1, "") {
			if err != nil || record.Number != next {
				followed <- errors.Join(err, errors.New("event out of order"))
				return
			}
			if next++; next > 60 {
				break
			}
		}
		followed <- nil
	}()

	server.Stop(0)
	if _, err := a.Append(t.Context(), issueCommand(1)); !errors.Is(err, domain.ErrUnavailable) && !errors.Is(err, domain.ErrNoAck) {
		t.Fatal(err)
	}
	if err := a.AppendEvents(t.Context(), records[10:20]); !errors.Is(err, domain.ErrNoAck) {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for range b.Events(short, 1, "") { // ends with its context
		t.Fatal("got an event from a stopped server")
	}
	server.Restart(0)
	for {
		_, err := a.Append(t.Context(), issueCommand(2))
		if err == nil {
			break
		}
		if !errors.Is(err, domain.ErrUnavailable) && !errors.Is(err, domain.ErrNoAck) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	for from := state(t, a).Events.Last; from < 60; from = state(t, a).Events.Last {
		if err := a.AppendEvents(t.Context(), records[from:]); err != nil {
			t.Log(err)
		}
	}
	expectMessages(t, reader, 6, 6)
	if err := <-followed; err != nil {
		t.Fatal(err)
	}
	if s := state(t, a); s.Commands.Last != 6 || s.Commands.CheckContiguous() != nil || s.Events.CheckContiguous() != nil {
		t.Fatalf("%+v", s)
	}
}

// TestAppend_TimesOutWithoutAck appends to a server that does not answer.
func TestAppend_TimesOutWithoutAck(t *testing.T) {
	server := streamtest.Cluster(t, 1)
	config := clusterConfig(t, server, "a")
	config.Replicas = 1
	l := streamtest.Open(t, config)
	l.SetAckWait(100 * time.Millisecond)
	// A stream with NoAck stores the message and sends no ack.
	if err := updateStream(l.JetStream(), "COMMANDS", func(c *jetstream.StreamConfig) { c.NoAck = true }); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), issueCommand(1)); !errors.Is(err, domain.ErrNoAck) {
		t.Fatal(err)
	}
	if last := state(t, l).Commands.Last; last != 1 {
		t.Fatal(last)
	}
	if err := updateStream(l.JetStream(), "COMMANDS", func(c *jetstream.StreamConfig) { c.NoAck = false }); err != nil {
		t.Fatal(err)
	}
	if s, err := l.Append(t.Context(), issueCommand(2)); err != nil || s != 2000 {
		t.Fatal(s, err)
	}
}

func clusterConfig(tb testing.TB, servers *streamtest.Servers, node string) streams.Config {
	return streams.Config{URLs: servers.URLs, Node: node, Replicas: 3, CommandsMaxBytes: 64 << 20, EventsMaxBytes: 64 << 20,
		Logger: slog.New(slog.NewTextHandler(tb.Output(), nil)).With("node", node)}
}

// TestCluster_SurvivesServerRestarts runs two nodes on three servers through the restart of each server.
func TestCluster_SurvivesServerRestarts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	servers := streamtest.Cluster(t, 3)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	nodes := openTogether(t, ctx, servers)
	a, b := nodes[0], nodes[1]
	if a.Epoch() != b.Epoch() || a.Embedded() {
		t.Fatal(a.Epoch(), b.Epoch())
	}
	if err := a.AppendNoops(ctx, 10); err == nil {
		t.Fatal("padded the log of a cluster")
	}

	// Both append the same events: the slower node is fenced, and the log has one chain.
	records := recordChain(t, 0, domain.Hash{}, 600)
	if err := a.AppendEvents(ctx, records[:40]); err != nil {
		t.Fatal(err)
	}
	if err := b.AppendEvents(ctx, records[:80]); !errors.Is(err, domain.ErrFenced) {
		t.Fatal("batch that begins with stored events:", err)
	}
	if last := state(t, b).Events.Last; last != 40 {
		t.Fatal(last)
	}

	// While servers are restarted, one node appends and both read.
	readers := []*streams.CommandConsumer{consumeClusterCommands(t, ctx, a), consumeClusterCommands(t, ctx, b)}
	var followed sync.WaitGroup
	for _, l := range nodes {
		followed.Go(func() { followEvents(t, ctx, l, 600) })
	}
	acked, unknown := 0, 0
	appendOne := func() {
		_, err := a.Append(ctx, issueCommand(acked+unknown))
		switch {
		case err == nil:
			acked++
		case errors.Is(err, domain.ErrNoAck):
			unknown++
		case !errors.Is(err, domain.ErrUnavailable):
			t.Fatal(err)
		}
	}
	published := uint64(40)
	for i := range 3 {
		stopped := (servers.LeaderOf("COMMANDS") + 3) % 3
		t.Logf("round %d: stopping server %d", i, stopped)
		servers.Stop(stopped)
		for range 100 {
			appendOne()
		}
		for to := min(600, published+200); published < to; {
			if err := nodes[i%2].AppendEvents(ctx, records[published:to]); err != nil {
				if ctx.Err() != nil {
					t.Fatal(err)
				}
				t.Log("append events:", err)
				time.Sleep(200 * time.Millisecond)
				s, err := b.State(ctx)
				if err == nil {
					published = s.Events.Last
				}
				continue
			}
			published = to
		}
		servers.Restart(stopped)
		appendOne()
	}
	followed.Wait()
	s := state(t, a)
	if s.Commands.CheckContiguous() != nil || s.Events.CheckContiguous() != nil || s.Events.Last != 600 {
		t.Fatalf("%+v", s)
	}
	if s.Commands.Last < uint64(acked) || s.Commands.Last > uint64(acked+unknown) {
		t.Fatalf("%d messages, %d acknowledged and %d unknown", s.Commands.Last, acked, unknown)
	}
	for _, r := range readers {
		expectMessages(t, r, 1, s.Commands.Last)
		r.Ack(s.Commands.Last)
	}
	t.Logf("%d acknowledged, %d unknown, %d in the log", acked, unknown, s.Commands.Last)
}

// openTogether opens two nodes, which create the streams at the same time.
func openTogether(t *testing.T, ctx context.Context, servers *streamtest.Servers) (nodes [2]*streams.Log) {
	t.Helper()
	var opening sync.WaitGroup
	for i, name := range []string{"a", "b"} {
		opening.Go(func() {
			l, err := streams.Open(ctx, clusterConfig(t, servers, name))
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { l.Close() })
			nodes[i] = l
		})
	}
	opening.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return nodes
}

// followEvents checks that the events 1 to last arrive in order.
func followEvents(t *testing.T, ctx context.Context, l *streams.Log, last uint64) {
	next := uint64(1)
	for record, err := range l.Events(ctx, 1, "") {
		if err != nil || record.Number != next {
			t.Errorf("event %d, want %d: %v", record.Number, next, err)
			return
		}
		if next++; next > last {
			return
		}
	}
}

func consumeClusterCommands(t *testing.T, ctx context.Context, l *streams.Log) *streams.CommandConsumer {
	t.Helper()
	c, err := l.ConsumeCommands(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

// A leader that has not heard from most replicas just now does not speak for the log: it was stopped, or is cut off from them.
func TestState_NeedsMajority(t *testing.T) {
	now, old := 900*time.Millisecond, 4*time.Second
	for name, c := range map[string]struct {
		replicas []time.Duration // since each answered the leader
		want     bool
	}{
		"one replica":        {nil, true},
		"all answer":         {[]time.Duration{now, now}, true},
		"one of three fails": {[]time.Duration{now, old}, true},
		"cut off from both":  {[]time.Duration{old, old}, false},
		"two of five fail":   {[]time.Duration{now, now, old, old}, true},
		"three of five fail": {[]time.Duration{now, old, old, old}, false},
	} {
		info := &jetstream.ClusterInfo{}
		for _, active := range c.replicas {
			info.Replicas = append(info.Replicas, &jetstream.PeerInfo{Active: active})
		}
		if got := streams.HearsMajority(info); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if !streams.HearsMajority(nil) {
		t.Error("a server without a cluster is not believed")
	}
}

// A node with a read store makes no new log in a NATS that was emptied.
func TestExternalServer_MissingLogIsNotReplaced(t *testing.T) {
	server := streamtest.Cluster(t, 1)
	config := clusterConfig(t, server, "a")
	config.Replicas, config.HasStore = 1, true
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // it goes on asking for longer
	defer cancel()
	if l, err := streams.Open(ctx, config); err == nil {
		l.Close()
		t.Fatal("opened without a log")
	} else if !errors.Is(err, streams.ErrNoLog) {
		t.Error(err)
	}
	config.HasStore = false
	logged := &strings.Builder{}
	config.Logger = slog.New(slog.NewTextHandler(logged, nil))
	streamtest.Open(t, config).Close()
	if !strings.Contains(logged.String(), "created stream") {
		t.Error("the streams were there already")
	}
	config.HasStore = true
	streamtest.Open(t, config)
}
