package projections_test

import (
	"context"
	"os"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
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
	if err := os.Remove(tn.path()); err != nil {
		t.Fatal(err)
	}
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
