package projections_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"onsale/domain/coupons"
	"onsale/projections"
)

// Who is in the next message knows their place; who is behind it is told an estimate, once there is anything to go by.
func TestTurn(t *testing.T) {
	w := newWorld(t)
	w.promotion("demo", 10)
	w.close()
	w.openLog()
	for i := range 4 {
		if _, err := w.log.Append(t.Context(), command("kim", strconv.Itoa(i), "demo", coupons.Issue{})); err != nil {
			t.Fatal(err)
		}
	}
	p, _, err := projections.Open(context.Background(), projections.Config{
		Path: w.path(), Log: w.log, Commands: w.lapsing().Commands, Epoch: w.log.Epoch(), Logger: w.config.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := func(sequence uint64, turn projections.Turn, known bool) {
		t.Helper()
		if got, ok := p.Turn(sequence); got != turn || ok != known {
			t.Errorf("%d: got %+v %v, want %+v %v", sequence, got, ok, turn, known)
		}
	}
	want(1000, projections.Turn{Exact: true}, true)
	want(2000, projections.Turn{Position: 1, Exact: true}, true)
	want(2003, projections.Turn{Position: 4, Exact: true}, true)
	want(5000, projections.Turn{}, false)
	p.Decided(30, 10, 60*time.Millisecond)
	want(2003, projections.Turn{Position: 4, Exact: true, Wait: 8 * time.Millisecond}, true)
	want(5000, projections.Turn{Position: 10, Wait: 20 * time.Millisecond}, true)
	want(6000, projections.Turn{}, false) // nobody stands there
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
