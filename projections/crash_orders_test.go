package projections_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/streams"
)

// What a worker heard that is nothing new, or too old, leads to no event: no store remembers it, and nothing is amiss, also
// where it is the last that the log has.
func TestCrash_NothingNew(t *testing.T) {
	for name, crash := range map[string]func(*testing.T, *world){
		"starts again":   func(t *testing.T, w *world) { w.close() },
		"the store lost": func(t *testing.T, w *world) { w.close(); w.loseStore() },
		"not committed": func(t *testing.T, w *world) {
			w.close()
			w.beforeCommit = func() error { return errStaged }
			w.start()
			w.mumble()
			w.close()
			w.beforeCommit = nil
		},
		"the power gone": func(t *testing.T, w *world) {
			w.close()
			before := filepath.Join(t.TempDir(), "jetstream")
			copyTree(t, filepath.Join(w.dir, "jetstream"), before)
			w.start()
			w.mumble()
			w.settle()
			w.close()
			if err := os.RemoveAll(filepath.Join(w.dir, "jetstream")); err != nil {
				t.Fatal(err)
			}
			copyTree(t, before, filepath.Join(w.dir, "jetstream"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.tell("shop", "tee", orders.Create{Name: "t", Price: 1000, Stock: 5}, "products.created")
			w.tell("kim", "imp_kim", place("tee", 1, 1000), "orders.placed")
			w.learn("imp_kim", orders.Payment{State: orders.PaymentMissing})
			w.mumble()
			w.settle()
			crash(t, w)
			w.start()
			w.settle()
			w.look("kim", myOrders, "[imp_kim 1 1000 PENDING_PAYMENT]")
			w.learn("imp_kim", paid(1000))
			w.look("kim", myOrders, "[imp_kim 1 1000 PAID]")
			w.mumble()
		})
	}
}

// mumble says of kim's order what is nothing new, what is too old, and something of an order that is not there.
func (w *world) mumble() {
	w.tb.Helper()
	for _, impUID := range []string{"imp_kim", "imp_nobody"} {
		for after := range w.p.LastOfEntity("orders", "imp_kim") + 1 {
			c := domain.Command{Entity: impUID, Body: orders.Learn{After: after, Payment: orders.Payment{State: orders.PaymentMissing}}}
			if _, err := w.log.Append(w.tb.Context(), c); err != nil {
				w.tb.Fatal(err)
			}
		}
	}
}

func (w *world) loseStore() {
	w.tb.Helper()
	if err := os.Remove(w.path()); err != nil {
		w.tb.Fatal(err)
	}
}

// An order that is refused is kept, in an event of its own before the refusal. EVENTS has the first of the two when the
// store is lost: the other follows, and the order is there once.
func TestCrash_StoreLostWithinRefusal(t *testing.T) {
	w := newWorld(t)
	w.tell("shop", "tee", orders.Create{Name: "t", Price: 1000}, "products.created")
	w.log.SetHook(failOn("EVENTS", streams.BeforeSend, 1_000_000, streams.OnlyFirst(1)))
	c := command("kim", "k", "imp_kim", place("tee", 1, 1000))
	if _, err := w.log.Append(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.waitDecided()
	w.close()
	w.loseStore()
	w.start()
	if w.opening.Events != 1 {
		t.Errorf("the rebuild has %d events, want 1: the product", w.opening.Events)
	}
	w.settle()
	o, ok, err := w.p.Request(c.Request)
	if err != nil || !ok || o.Type != "orders.rejected" || !strings.Contains(string(o.Data), domain.SoldOut) {
		t.Errorf("got %+v %v %v, want sold_out", o, ok, err)
	}
	w.look("kim", myOrders, "[imp_kim 1 1000 REFUNDING sold_out]")
}

// Orders that were decided and not committed take no units.
func TestCrash_OrdersBeforeCommit(t *testing.T) {
	w := newWorld(t)
	w.tell("shop", "tee", orders.Create{Name: "t", Price: 1000, Stock: 3}, "products.created")
	w.close()
	failed := false
	w.beforeCommit = func() error {
		if failed {
			return nil
		}
		failed = true
		return errStaged
	}
	w.openLog()
	for i := range 5 {
		id := fmt.Sprint("u", i)
		if _, err := w.log.Append(t.Context(), command(id, "k", "imp_"+id, place("tee", 1, 1000))); err != nil {
			t.Fatal(err)
		}
	}
	w.openProjector()
	w.settle()
	w.look("", shelf, "[tee 0 of 3 false]")
	var kept int
	for o, err := range w.p.ExportOrders() {
		if err != nil {
			t.Fatal(err)
		}
		if o.Status == orders.Refunding {
			kept++
		}
	}
	if kept != 2 {
		t.Errorf("%d orders are to be given back, want 2", kept)
	}
}
