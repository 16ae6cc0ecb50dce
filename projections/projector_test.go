package projections_test

import (
	"os"
	"testing"

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
		if err != nil || !ok || p.Issued != 100 {
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
