package streams_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// TestExternal runs two nodes on one nats-server of its own, which goes away and comes back.
func TestExternal(t *testing.T) {
	server := streamtest.Cluster(t, 1)
	config := clusterConfig(t, server, "a")
	config.Replicas = 1
	a := streamtest.Open(t, config)
	config.Node = "b"
	b := streamtest.Open(t, config)

	// A piece that begins with what another node wrote is refused as a whole, also where its end would fit.
	records := chain(t, 0, domain.Hash{}, 60)
	if err := a.Emit(t.Context(), records[:10]); err != nil {
		t.Fatal(err)
	}
	if err := b.Emit(t.Context(), records[:40]); !errors.Is(err, streams.ErrFenced) {
		t.Fatal(err)
	}
	if last := state(t, b).Events.Last; last != 10 {
		t.Fatal(last)
	}

	appendSome(t, a, 5)
	reader := commands(t, b, 1)
	expect(t, reader, 1, 5)
	followed := make(chan error)
	go func() {
		next := uint64(1)
		for record, err := range b.Records(patience(t), 1, "") {
			if err != nil || record.Number != next {
				followed <- errors.Join(err, errors.New("not in order"))
				return
			}
			if next++; next > 60 {
				break
			}
		}
		followed <- nil
	}()

	server.Stop(0)
	if _, err := a.Append(t.Context(), issue(1)); !errors.Is(err, streams.ErrUnavailable) && !errors.Is(err, streams.ErrUnknown) {
		t.Fatal(err)
	}
	if err := a.Emit(t.Context(), records[10:20]); !errors.Is(err, streams.ErrUnknown) {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for range b.Records(short, 1, "") { // ends with its context, whatever it waits for
		t.Fatal("from a server that is away")
	}
	server.Restart(0)
	for {
		_, err := a.Append(t.Context(), issue(2))
		if err == nil {
			break
		}
		if !errors.Is(err, streams.ErrUnavailable) && !errors.Is(err, streams.ErrUnknown) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	for from := state(t, a).Events.Last; from < 60; from = state(t, a).Events.Last {
		if err := a.Emit(t.Context(), records[from:]); err != nil {
			t.Log(err)
		}
	}
	expect(t, reader, 6, 6)
	if err := <-followed; err != nil {
		t.Fatal(err)
	}
	if s := state(t, a); s.Commands.Last != 6 || s.Commands.Whole() != nil || s.Events.Whole() != nil {
		t.Fatalf("%+v", s)
	}
}

// TestAppendDoesNotWaitForEver has a server that is there and does not answer.
func TestAppendDoesNotWaitForEver(t *testing.T) {
	server := streamtest.Cluster(t, 1)
	config := clusterConfig(t, server, "a")
	config.Replicas = 1
	l := streamtest.Open(t, config)
	l.SetAckWait(100 * time.Millisecond)
	// A stream with NoAck takes the message and says nothing.
	if err := change(l.JetStream(), "COMMANDS", func(c *jetstream.StreamConfig) { c.NoAck = true }); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), issue(1)); !errors.Is(err, streams.ErrUnknown) {
		t.Fatal(err)
	}
	if last := state(t, l).Commands.Last; last != 1 {
		t.Fatal(last)
	}
	if err := change(l.JetStream(), "COMMANDS", func(c *jetstream.StreamConfig) { c.NoAck = false }); err != nil {
		t.Fatal(err)
	}
	if s, err := l.Append(t.Context(), issue(2)); err != nil || s != 2000 {
		t.Fatal(s, err)
	}
}
