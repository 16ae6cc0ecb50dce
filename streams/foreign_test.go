package streams_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

const strayBody = `{"x":1}`

// A stray publish into EVENTS is named by every reader, and is cut off from an external NATS, also if an attempt was stopped
// anywhere; the events before it stay as they are, and the next ones get its number.
func TestForeign_CutFromNATS(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	c := clusterConfig(t, servers, "a")
	c.Replicas, c.Prefix = 1, "shop"
	node := streamtest.Open(t, c)
	if _, err := node.ConsumeCommands(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	records := recordChain(t, 0, domain.Hash{}, 620)
	if err := node.AppendEvents(t.Context(), records[:600]); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"shop.evt.coupons.demo.kim", "shop.evt.hello"} {
		if _, err := node.JetStream().Publish(t.Context(), subject, []byte(strayBody)); err != nil {
			t.Fatal(err)
		}
	}
	if err := node.AppendEvents(t.Context(), records[600:]); !errors.Is(err, domain.ErrFenced) {
		t.Fatal(err)
	}
	if err := firstError(t, node, 600); !errors.Is(err, domain.ErrForeign) || !strings.Contains(err.Error(), "message 601 on evt.coupons.demo.kim") {
		t.Error(err)
	}
	c.ReadOnly, c.Repair = true, true
	tool := streamtest.Open(t, c)
	foreign, err := tool.FindForeign(t.Context())
	if err != nil || foreign != (streams.Foreign{First: 601, Last: 602, Subject: "evt.coupons.demo.kim"}) {
		t.Fatal(foreign, err)
	}
	if _, err := tool.CutForeign(t.Context(), foreign); !errors.Is(err, streams.ErrNameInUse) {
		t.Fatal("while a node runs:", err)
	}
	node.Close()

	js := tool.JetStream()
	for _, name := range []string{"stopped while it copied", "at once"} {
		if name != "at once" {
			if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "shop_EVENTS_before_repair", Mirror: &jetstream.StreamSource{Name: "shop_EVENTS"},
				MaxBytes: 64 << 20, Discard: jetstream.DiscardNew, MaxMsgSize: -1, Metadata: map[string]string{"onsale_epoch": tool.Epoch()}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := tool.CutForeign(t.Context(), foreign); err != nil {
			t.Fatal(name, err)
		}
		checkCut(t, tool, records)
		if foreign, err := tool.FindForeign(t.Context()); err != nil || foreign.First != 0 {
			t.Fatal(name, foreign, err)
		}
		if name == "at once" {
			continue
		}
		// Stopped after EVENTS was deleted, and when some of it was published again.
		for _, published := range []int{-1, 300} {
			stopRepair(t, js, c, records, published)
			foreign, err := streamtest.Open(t, c).FindForeign(t.Context())
			if err != nil || foreign.First != 601 {
				t.Fatal(published, foreign, err)
			}
			if _, err := tool.CutForeign(t.Context(), foreign); err != nil {
				t.Fatal(published, err)
			}
			checkCut(t, tool, records)
		}
		// The next stray.
		if _, err := js.Publish(t.Context(), "shop.evt.coupons.demo.kim", []byte(strayBody)); err != nil {
			t.Fatal(err)
		}
		foreign, err := tool.FindForeign(t.Context())
		if err != nil || foreign.First != 601 || foreign.Last != 601 {
			t.Fatal(foreign, err)
		}
		if _, err := tool.CutForeign(t.Context(), foreign); err == nil || !strings.Contains(err.Error(), "left from an earlier repair") {
			t.Fatal(err)
		}
		if err := js.DeleteStream(t.Context(), "shop_EVENTS_before_repair"); err != nil {
			t.Fatal(err)
		}
	}
	c.ReadOnly, c.Repair = false, false
	node = streamtest.Open(t, c)
	if err := node.AppendEvents(t.Context(), records[600:]); err != nil {
		t.Fatal(err)
	}
}

// stopRepair leaves EVENTS as a repair does that was stopped when so many events were published again; -1: when EVENTS was deleted.
func stopRepair(t *testing.T, js jetstream.JetStream, c streams.Config, records []domain.Record, published int) {
	t.Helper()
	stream, err := js.Stream(t.Context(), "shop_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), "shop_EVENTS"); err != nil {
		t.Fatal(err)
	}
	if published < 0 {
		return
	}
	if _, err := js.CreateStream(t.Context(), stream.CachedInfo().Config); err != nil {
		t.Fatal(err)
	}
	c.ReadOnly, c.Repair, c.Node = false, false, "b"
	l := streamtest.Open(t, c)
	defer l.Close()
	if err := l.AppendEvents(t.Context(), records[:published]); err != nil {
		t.Fatal(err)
	}
}

// checkCut compares EVENTS with the first 600 events, and says that its configuration is as at a start.
func checkCut(t *testing.T, l *streams.Log, records []domain.Record) {
	t.Helper()
	if s := state(t, l); s.Events.Last != 600 || s.Events.CheckContiguous() != nil {
		t.Fatalf("%+v", s.Events)
	}
	number := 0
	for record, err := range l.Events(testContext(t), 1, "") {
		if err != nil || record.Hash != records[number].Hash || record.Subject != records[number].Subject {
			t.Fatal(record, err)
		}
		if number++; number == 600 {
			break
		}
	}
}

// firstError reads events from a number on until an error.
func firstError(t *testing.T, l *streams.Log, from uint64) error {
	t.Helper()
	for _, err := range l.EventHashes(testContext(t), from) {
		if err != nil {
			return err
		}
	}
	t.Fatal("no error")
	return nil
}

// On a data directory, whose embedded server others could reach, the same is done in its files. An event that was altered is not foreign.
func TestForeign_CutFromFiles(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	l := streamtest.Open(t, c)
	records := recordChain(t, 0, domain.Hash{}, 20)
	if err := l.AppendEvents(t.Context(), records[:10]); err != nil {
		t.Fatal(err)
	}
	appendCommands(t, l, 20)
	if _, err := l.JetStream().PublishMsg(t.Context(), &nats.Msg{Subject: "evt.coupons.demo.kim", Data: []byte(strayBody)}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	stored, err := streams.OpenStored(c.Dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := stored.Check(t.Context()); !errors.Is(err, streams.ErrDamaged) {
		t.Error(err)
	}
	foreign, err := stored.FindForeign(t.Context())
	if err != nil || foreign != (streams.Foreign{First: 11, Last: 11, Subject: "evt.coupons.demo.kim"}) {
		t.Fatal(foreign, err)
	}
	if _, err := stored.CutForeign(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	if _, events, err := stored.Check(t.Context()); err != nil || len(events) > 0 {
		t.Error(events, err)
	}
	stored.Close()
	l = streamtest.Open(t, c)
	if err := l.AppendEvents(t.Context(), records[10:]); err != nil {
		t.Fatal(err)
	}
	// An event with another payload than its hash says.
	altered := recordChain(t, 20, records[19].Hash, 1)[0]
	altered.Hash = records[3].Hash
	if err := l.AppendEvents(t.Context(), []domain.Record{altered}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if stored, err = streams.OpenStored(c.Dir, ""); err != nil {
		t.Fatal(err)
	}
	defer stored.Close()
	if foreign, err := stored.FindForeign(t.Context()); !errors.Is(err, streams.ErrDamaged) {
		t.Error(foreign, err)
	}
}
