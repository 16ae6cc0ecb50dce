package projections_test

import (
	"context"
	"os"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/projections"
)

func TestProjector_Issue(t *testing.T) {
	w := newWorld(t)
	w.promotion("demo", 100)
	w.rush(1500, "demo")
	w.settle()
	err := w.p.Read("u1", func(v *projections.View) error {
		p, ok, err := v.Promotion("demo")
		if err != nil || !ok || p.Issued() != 100 {
			t.Errorf("got %+v %v %v, want 100 issued", p, ok, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	first := w.do(command("late", "k", "demo", coupons.Issue{}))
	again := w.do(command("late", "k", "demo", coupons.Issue{}))
	if first.Type != "coupons.rejected" || again.Event != first.Event || again.Sequence != first.Sequence {
		t.Errorf("got %+v and %+v, want the same refusal twice", first, again)
	}
}

func TestProjector_RestartAndRebuild(t *testing.T) {
	w := newWorld(t)
	w.promotion("demo", 1000)
	w.rush(500, "demo")
	w.close()
	w.start()
	w.settle()
	w.close()
	if err := os.Remove(w.path()); err != nil {
		t.Fatal(err)
	}
	w.start()
	if w.opening.Rebuilt == "" {
		t.Error("the missing store was not rebuilt")
	}
	o := w.do(command("u7", "other", "demo", coupons.Issue{}))
	if o.Type != "coupons.rejected" {
		t.Errorf("got %s %s, want already_issued", o.Type, o.Data)
	}
}

// Whoever waits at the place of a command that only repeats a request is told what was decided the first time, also when
// they were waiting before it came.
func TestProjector_AwaitRepeat(t *testing.T) {
	w := newWorld(t)
	w.promotion("demo", 10)
	c := command("kim", "k", "demo", coupons.Issue{})
	first := w.do(c)
	state, err := w.log.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := (state.Commands.Last + 1) * domain.PlacesPerMessage
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	told := make(chan projections.Outcome)
	go func() {
		o, err := w.p.Await(ctx, c.Request, next)
		if err != nil {
			t.Error(err)
		}
		told <- o
	}()
	for !w.p.Waits(next) {
		time.Sleep(time.Millisecond)
	}
	if sequence, err := w.log.Append(ctx, c); err != nil || sequence != next {
		t.Fatalf("got place %d %v, want %d", sequence, err, next)
	}
	if got := <-told; got.Event != first.Event || got.Sequence != first.Sequence {
		t.Errorf("got event %d of command %d, want the first: %d of %d", got.Event, got.Sequence, first.Event, first.Sequence)
	}
}
