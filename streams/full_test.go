package streams_test

import (
	"errors"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/streams/streamtest"
)

// TestFullLog_AcceptsAfterGrowth fills both logs, then makes room as an operator does, with a larger size.
func TestFullLog_AcceptsAfterGrowth(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	c.CommandsMaxBytes, c.EventsMaxBytes = 64<<10, 64<<10
	l := streamtest.Open(t, c)
	large := issueCommand(1)
	large.Body = coupons.Create{Name: strings.Repeat("x", 10<<10)}
	var err error
	for range 8 {
		if _, err = l.Append(t.Context(), large); err != nil {
			break
		}
	}
	if !errors.Is(err, domain.ErrFull) {
		t.Fatal(err)
	}
	// The log gets full in the middle of the batch. Only its last event has an answer, which is ErrFenced for that event.
	records := recordChain(t, 0, domain.Hash{}, 400)
	if err = l.AppendEvents(t.Context(), records); !errors.Is(err, domain.ErrFull) || errors.Is(err, domain.ErrFenced) {
		t.Fatal(err)
	}
	full := state(t, l)
	if full.Events.Last == 0 || full.Events.Last >= 400 || full.Events.CheckContiguous() != nil || full.Events.Bytes > full.Events.MaxBytes {
		t.Fatalf("%+v", full.Events)
	}
	l.Close()

	c.CommandsMaxBytes, c.EventsMaxBytes = 1<<20, 1<<20
	l = streamtest.Open(t, c)
	if _, err = l.Append(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	if err = l.AppendEvents(t.Context(), records[full.Events.Last:]); err != nil {
		t.Fatal(err)
	}
	l.Close()

	c.CommandsMaxBytes, c.EventsMaxBytes = 64<<10, 64<<10
	l = streamtest.Open(t, c) // a smaller size is ignored with a warning
	if s := state(t, l); s.Events.MaxBytes != 1<<20 || s.Events.Last != 400 || s.Commands.CheckContiguous() != nil {
		t.Fatalf("%+v", s)
	}
	if _, err = l.Append(t.Context(), large); err != nil {
		t.Fatal(err)
	}
}
