package projections_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"onsale/domain/coupons"
	"onsale/projections"
)

// The position is exact within the next message, and beyond it an estimate, once a rate is known.
func TestQueueEstimate_ReportsPosition(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 10)
	tn.close()
	tn.openLog()
	for i := range 4 {
		if _, err := tn.log.Append(t.Context(), command("kim", strconv.Itoa(i), "demo", coupons.Issue{})); err != nil {
			t.Fatal(err)
		}
	}
	p, _, err := projections.Open(context.Background(), projections.Config{
		Path: tn.path(), Log: tn.log, ConsumeCommands: tn.retimedLog().ConsumeCommands, Epoch: tn.log.Epoch(), Logger: tn.config.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := func(sequence uint64, estimate projections.QueueEstimate, known bool) {
		t.Helper()
		if got, ok := p.QueueEstimate(sequence); got != estimate || ok != known {
			t.Errorf("%d: got %+v %v, want %+v %v", sequence, got, ok, estimate, known)
		}
	}
	want(1000, projections.QueueEstimate{Exact: true}, true)
	want(2000, projections.QueueEstimate{Position: 1, Exact: true}, true)
	want(2003, projections.QueueEstimate{Position: 4, Exact: true}, true)
	want(5000, projections.QueueEstimate{}, false)
	p.RecordDecided(30, 10, 60*time.Millisecond)
	want(2003, projections.QueueEstimate{Position: 4, Exact: true, Wait: 8 * time.Millisecond}, true)
	want(5000, projections.QueueEstimate{Position: 10, Wait: 20 * time.Millisecond}, true)
	want(6000, projections.QueueEstimate{}, false) // there is no such command
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
