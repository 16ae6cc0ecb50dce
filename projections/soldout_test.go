package projections_test

import (
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
)

// After a start, and after a start that rebuilds the store, the answer is the same as before.
func TestRefusal_SurvivesRestart(t *testing.T) {
	tn := newTestNode(t)
	tn.submit(command("admin", "create", "demo", coupons.Create{Name: "n", Stock: 1, PerUserLimit: 1, SoldOut: coupons.SoldOutAnswer}))
	refusal := func() (coupons.Refusal, bool) {
		return tn.p.Refusal("demo", "lee", domain.NewRequestID("lee", "k"), domain.At(time.Now()))
	}
	if r, refused := refusal(); refused || tn.p.MayRefuse("demo") {
		t.Fatalf("got %+v while a unit is left", r)
	}
	first := command("kim", "k", "demo", coupons.Issue{})
	tn.submit(first)
	before, refused := refusal()
	if want := (coupons.Refusal{EventNumber: 2, SoldOutSequence: 2000}); !refused || before != want {
		t.Fatalf("got %+v %v, want %+v", before, refused, want)
	}
	for name, restart := range map[string]func(){"intact": func() {}, "rebuilt": tn.deleteStore} {
		tn.close()
		restart()
		tn.start()
		tn.waitConfirmed()
		if after, refused := refusal(); !refused || after != before {
			t.Errorf("%s: got %+v %v, want %+v", name, after, refused, before)
		}
		if _, refused := tn.p.Refusal("demo", "kim", domain.NewRequestID("kim", "new"), domain.At(time.Now())); refused {
			t.Errorf("%s: the user who has the coupon is refused", name)
		}
		if _, refused := tn.p.Refusal("demo", "park", first.Request, domain.At(time.Now())); refused {
			t.Errorf("%s: a request that is decided is refused", name)
		}
	}
	tn.submit(command("admin", "more", "demo", coupons.ChangeStock{Delta: 1}))
	if _, refused := refusal(); refused {
		t.Error("refused, although a unit is left")
	}
}
