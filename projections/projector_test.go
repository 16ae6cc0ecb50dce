package projections_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/projections"
	"onsale/projections/store"
)

func TestProjector_IssuesCoupons(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 100)
	tn.issueConcurrently(1500, "demo")
	tn.waitConfirmed()
	err := tn.p.Read("u1", func(v *store.View) error {
		p, ok, err := v.Promotion("demo")
		if err != nil || !ok || p.Issued() != 100 {
			t.Errorf("got %+v %v %v, want 100 issued", p, ok, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	first := tn.submit(command("late", "k", "demo", coupons.Issue{}))
	again := tn.submit(command("late", "k", "demo", coupons.Issue{}))
	if typeOf(first) != "coupons.rejected" || again.Number != first.Number || again.Sequence != first.Sequence {
		t.Errorf("got %+v and %+v, want the same rejection twice", first, again)
	}
}

func TestProjector_RestartsAndRebuilds(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 1000)
	tn.issueConcurrently(500, "demo")
	tn.close()
	tn.start()
	tn.waitConfirmed()
	tn.close()
	tn.deleteStore()
	tn.start()
	if tn.recovery.RebuildReason == "" {
		t.Error("the missing store was not rebuilt")
	}
	o := tn.submit(command("u7", "other", "demo", coupons.Issue{}))
	if typeOf(o) != "coupons.rejected" {
		t.Errorf("got %+v, want already_issued", o.Body)
	}
}

// Await on the sequence of a repeated request returns the first outcome, also when it was called before the command arrived.
func TestProjector_AwaitsRepeatedRequest(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 10)
	c := command("kim", "k", "demo", coupons.Issue{})
	first := tn.submit(c)
	state, err := tn.log.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := (state.Commands.Last + 1) * domain.SequencesPerMessage
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	outcomes := make(chan domain.Event)
	go func() {
		o, err := tn.p.Await(ctx, c.Request, next)
		if err != nil {
			t.Error(err)
		}
		outcomes <- o
	}()
	for !tn.p.HasWaiter(next) {
		time.Sleep(time.Millisecond)
	}
	if sequence, err := tn.log.Append(ctx, c); err != nil || sequence != next {
		t.Fatalf("got sequence %d %v, want %d", sequence, err, next)
	}
	if got := <-outcomes; got.Number != first.Number || got.Sequence != first.Sequence {
		t.Errorf("got event %d of command %d, want the first: %d of %d", got.Number, got.Sequence, first.Number, first.Sequence)
	}
}

// The position is exact within the next message, and beyond it an estimate, once a rate is known.
func TestQueueEstimate_ReportsPosition(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 10)
	tn.close()
	tn.openLog()
	for i := range 4 {
		tn.append(command("kim", strconv.Itoa(i), "demo", coupons.Issue{}))
	}
	p, _, err := projections.Open(context.Background(), projections.Config{
		Path: tn.path(), Log: tn.log, ConsumeCommands: tn.retimedLog().ConsumeCommands, Epoch: tn.log.Epoch(), Logger: tn.config.Logger,
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
	want(1000, projections.QueueEstimate{}, true)
	want(2000, projections.QueueEstimate{Position: 1}, true)
	want(2003, projections.QueueEstimate{Position: 4}, true)
	want(5000, projections.QueueEstimate{}, false)
	p.RecordDecided(30, 10, 60*time.Millisecond)
	want(2003, projections.QueueEstimate{Position: 4, Wait: 8 * time.Millisecond}, true)
	want(5000, projections.QueueEstimate{Position: 10, Wait: 20 * time.Millisecond}, true)
	want(6000, projections.QueueEstimate{}, false) // there is no such command
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
