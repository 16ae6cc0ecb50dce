package streams_test

import (
	"bytes"
	"errors"
	"testing"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// expectEvents checks that EVENTS begins with exactly these records, in an unbroken hash chain.
func expectEvents(t *testing.T, l *streams.Log, records []domain.Record) {
	t.Helper()
	i := 0
	var prev domain.Hash
	for got, err := range l.Events(testContext(t), 1, "") {
		if err != nil {
			t.Fatal(err)
		}
		want := records[i]
		if got.Number != want.Number || got.Subject != want.Subject || got.Hash != want.Hash || !bytes.Equal(got.Payload, want.Payload) {
			t.Fatalf("event %d is\n%s %s\nwant\n%s %s", got.Number, got.Subject, got.Payload, want.Subject, want.Payload)
		}
		if prev = prev.Next(got.Subject, got.Payload); prev != got.Hash {
			t.Fatal("the hash chain breaks at event", got.Number)
		}
		if i++; i == len(records) {
			return
		}
	}
}

func TestAppendEvents_StoresInOrder(t *testing.T) {
	l := streamtest.Start(t)
	records := recordChain(t, 0, domain.Hash{}, 1101)
	for _, cut := range [][2]int{{0, 1}, {1, 41}, {41, 1101}} { // the last is three batches
		if err := l.AppendEvents(t.Context(), records[cut[0]:cut[1]]); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.AppendEvents(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	expectEvents(t, l, records)
	if s := state(t, l).Events; s.Last != 1101 || s.CheckContiguous() != nil {
		t.Fatalf("%+v", s)
	}
}

func TestAppendEvents_FencesWrongNumbers(t *testing.T) {
	l := streamtest.Start(t)
	records := recordChain(t, 0, domain.Hash{}, 40)
	for name, c := range map[string]struct{ from, to int }{"one ahead": {1, 2}, "many ahead": {5, 40}} {
		if err := l.AppendEvents(t.Context(), records[c.from:c.to]); !errors.Is(err, domain.ErrFenced) {
			t.Fatal(name, err)
		}
		if last := state(t, l).Events.Last; last != 0 {
			t.Fatal(name, last)
		}
	}
	if err := l.AppendEvents(t.Context(), records[:10]); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ from, to int }{"one again": {9, 10}, "all again": {0, 10}, "some again": {2, 7}} {
		if err := l.AppendEvents(t.Context(), records[c.from:c.to]); !errors.Is(err, domain.ErrFenced) {
			t.Fatal(name, err)
		}
	}
	if last := state(t, l).Events.Last; last != 10 {
		t.Fatal(last)
	}
	if err := l.AppendEvents(t.Context(), records[10:]); err != nil {
		t.Fatal(err)
	}
	expectEvents(t, l, records)
	gap := []domain.Record{records[0], records[2]}
	if err := l.AppendEvents(t.Context(), gap); err == nil || errors.Is(err, domain.ErrFenced) {
		t.Fatal(err)
	}
}

// TestAppendEvents_AcceptsOverlap sends a batch whose beginning is stored already. Its first records are refused and its later
// ones stored, since each is fenced by its number only: the log is the same, if both senders made the same events.
func TestAppendEvents_AcceptsOverlap(t *testing.T) {
	l := streamtest.Start(t)
	records := recordChain(t, 0, domain.Hash{}, 40)
	if err := l.AppendEvents(t.Context(), records[:10]); err != nil {
		t.Fatal(err)
	}
	if err := l.AppendEvents(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	expectEvents(t, l, records)
}

// TestAppendEvents_ResumesAfterUnknown fails in three ways; the next append continues after the stored events.
func TestAppendEvents_ResumesAfterUnknown(t *testing.T) {
	errStaged := errors.New("staged")
	for name, c := range map[string]struct {
		at   streams.HookPoint
		err  error
		last uint64
	}{
		"nothing sent":  {streams.BeforeSend, errStaged, 0},
		"some sent":     {streams.BeforeSend, streams.PartialError(7), 7},
		"all, ack lost": {streams.AfterStore, errStaged, 20},
	} {
		l := streamtest.Start(t)
		l.SetHook(func(stream string, at streams.HookPoint) error {
			if stream == "EVENTS" && at == c.at {
				return c.err
			}
			return nil
		})
		records := recordChain(t, 0, domain.Hash{}, 20)
		if err := l.AppendEvents(t.Context(), records); !errors.Is(err, domain.ErrNoAck) {
			t.Fatal(name, err)
		}
		if last := state(t, l).Events.Last; last != c.last {
			t.Fatal(name, last)
		}
		l.SetHook(nil)
		if err := l.AppendEvents(t.Context(), records[c.last:]); err != nil {
			t.Fatal(name, err)
		}
		expectEvents(t, l, records)
	}
}
