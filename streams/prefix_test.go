package streams_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// Two shops share one account: each has its own streams, numbers, nodes and workers, and the same events have the same hashes in both.
func TestPrefix_SeparatesShops(t *testing.T) {
	server := streamtest.Cluster(t, 1)
	open := func(prefix string) *streams.Log {
		c := clusterConfig(t, server, "box-1")
		c.Replicas, c.Prefix = 1, prefix
		return streamtest.Open(t, c)
	}
	shops := map[string]*streams.Log{"": open(""), "seoul": open("seoul"), "busan": open("busan")}
	epochs := map[string]bool{}
	for prefix, l := range shops {
		epochs[l.Epoch()] = true
		appendCommands(t, l, 3)
		reader := consumeCommands(t, l, 1)
		expectMessages(t, reader, 1, 3)
		records := recordChain(t, 0, domain.Hash{}, 20)
		if err := l.AppendEvents(t.Context(), records); err != nil {
			t.Fatal(prefix, err)
		}
		number := uint64(1)
		for record, err := range l.Events(testContext(t), 1, "") {
			if err != nil || record.Subject != records[number-1].Subject || record.Hash != records[number-1].Hash {
				t.Fatalf("%q: event %d: got %+v %v, want %+v", prefix, number, record, err, records[number-1])
			}
			if _, err := streams.DecodeEvent(record); err != nil {
				t.Fatal(err)
			}
			if number++; number > 20 {
				break
			}
		}
		for record, err := range l.Events(testContext(t), 1, "evt.*.*.u7") { // filters have no prefix
			if err != nil || !strings.HasSuffix(record.Subject, ".u7") {
				t.Fatal(record, err)
			}
			break
		}
		nodes, err := l.Nodes(t.Context())
		if err != nil || len(nodes) != 1 || nodes[0].Name != "box-1" || nodes[0].Alive == "" {
			t.Errorf("%q: nodes %+v, %v", prefix, nodes, err)
		}
		if s := state(t, l); s.Commands.Last != 3 || s.Events.Last != 20 {
			t.Errorf("%q: %+v", prefix, s)
		}
	}
	if len(epochs) != 3 {
		t.Errorf("the shops share an epoch: %v", epochs)
	}
	var names []string
	for name := range shops[""].JetStream().StreamNames(t.Context()).Name() {
		names = append(names, name)
	}
	if got := strings.Join(names, " "); len(names) != 6 || !strings.Contains(got, "seoul_COMMANDS") || !strings.Contains(got, "busan_EVENTS") {
		t.Errorf("streams: %s", got)
	}
	stream, err := shops["seoul"].JetStream().Stream(t.Context(), "seoul_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := stream.GetMsg(t.Context(), 1); err != nil || !strings.HasPrefix(m.Subject, "seoul.evt.") {
		t.Errorf("on the wire: %+v, %v", m, err)
	}
	// A name belongs to one node of a shop, and to one of each.
	c := clusterConfig(t, server, "box-1")
	c.Replicas, c.Prefix = 1, "seoul"
	if l, err := streams.Open(t.Context(), c); !errors.Is(err, streams.ErrNameInUse) {
		l.Close()
		t.Error(err)
	}
}

// Workers of one shop get the events of that shop.
func TestPrefix_SeparatesWorkers(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	c.Prefix = "seoul"
	l := streamtest.Open(t, c)
	if err := l.AppendEvents(t.Context(), recordChain(t, 0, domain.Hash{}, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.JetStream().Publish(t.Context(), "evt.coupons.other.u1", []byte("not ours")); !errors.Is(err, jetstream.ErrNoStreamResponse) {
		t.Fatal("a subject without the prefix is in no stream:", err)
	}
	w := startWorker(t, l, 1, 0, nil)
	w.waitUntil(t, deliveredUpTo(1))
	w.stop()
}

// A log moves to another prefix by backup and restore: its hashes stay, its epoch is new. A directory without the named log says which
// one it has.
func TestPrefix_MovesByRestore(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	c.Prefix = "seoul"
	l := streamtest.Open(t, c)
	appendCommands(t, l, 20)
	records := recordChain(t, 0, domain.Hash{}, 20)
	if err := l.AppendEvents(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	backup, moved := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "moved")
	if _, err := streams.Backup(t.Context(), c.Dir, "", backup); err == nil || !strings.Contains(err.Error(), `but seoul_EVENTS: its nats.prefix is "seoul"`) && !strings.Contains(err.Error(), `but seoul_COMMANDS: its nats.prefix is "seoul"`) {
		t.Error(err)
	}
	if _, err := streams.Backup(t.Context(), c.Dir, "seoul", backup); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := streams.Restore(t.Context(), backup, moved, "", c.Logger); err != nil {
		t.Fatal(err)
	}
	for dir, prefix := range map[string]string{c.Dir: "seoul", backup: "seoul", moved: ""} {
		stored, err := streams.OpenStored(dir, prefix)
		if err != nil {
			t.Fatal(err)
		}
		commands, events, err := stored.Check(t.Context())
		if err != nil || len(commands)+len(events) > 0 {
			t.Errorf("%s: %v %v %v", dir, commands, events, err)
		}
		stored.Close()
		c.Dir, c.Prefix = dir, prefix
		l := streamtest.Open(t, c)
		number := 0
		for record, err := range l.Events(testContext(t), 1, "") {
			if err != nil || record.Hash != records[number].Hash || record.Subject != records[number].Subject {
				t.Fatalf("%s: event %d: %+v, %v", dir, number+1, record, err)
			}
			if number++; number == 20 {
				break
			}
		}
		appendCommands(t, l, 1)
		l.Close()
	}
}
