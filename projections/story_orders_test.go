package projections_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/orders"
	"onsale/projections"
)

// learn does what the payment worker does: it knows the order, has asked the provider, and says what it heard.
func (w *world) learn(impUID string, heard orders.Payment) {
	w.tb.Helper()
	w.settle()
	var o orders.Order
	err := w.p.Read("", func(v *projections.View) (err error) {
		o, _, err = v.Order(impUID)
		return err
	})
	if err == nil {
		c := domain.Command{Entity: impUID, Body: orders.Learn{After: o.Event, Payment: heard}}
		_, err = w.log.Append(context.Background(), c)
	}
	if err != nil {
		w.tb.Fatal(err)
	}
	w.settle()
}

var terms = orders.Terms{Currency: "KRW", PaySeconds: 600}

func place(product string, count int, amount int64) orders.Place {
	return orders.Place{SalePostID: product, Count: count, Amount: amount, Terms: terms}
}

func paid(amount int64) orders.Payment {
	return orders.Payment{State: orders.PaymentPaid, Amount: amount, Currency: "KRW"}
}

func cancelled(amount int64) orders.Payment {
	return orders.Payment{State: orders.PaymentCancelled, Amount: amount, Cancelled: amount, Currency: "KRW"}
}

// myOrders are in pages of one.
func myOrders(v *projections.View) (any, error) {
	return inPages(v.Orders, func(o orders.Order) string {
		return strings.TrimSpace(fmt.Sprint(o.ImpUID, " ", o.Count, " ", o.Amount, " ", o.Status, " ", o.Reason))
	})
}

// shelf is how many units of each product nobody has.
func shelf(v *projections.View) (any, error) {
	list, err := v.Products("", 10)
	var seen []string
	for _, p := range list {
		seen = append(seen, fmt.Sprint(p.SalePostID, " ", p.Remaining(), " of ", p.Stock, " ", p.ClosedAt != 0))
	}
	return seen, err
}

// Three shirts, and everything that can become of a payment.
func TestStory_Orders(t *testing.T) {
	w := newWorld(t)
	w.close()
	w.lapse = 10 * time.Second
	w.start()
	w.tell("shop", "mug", orders.Create{Name: "m", Price: 500}, "products.created")
	w.tell("shop", "tee", orders.Create{Name: "t", Price: 1000, Stock: 2}, "products.created")
	w.tell("shop", "tee", orders.ChangeStock{Delta: 1, Reason: "found"}, "products.restocked")
	w.tell("kim", "imp_kim", place("tee", 1, 1000), "orders.placed")
	w.tell("lee", "imp_lee", place("tee", 2, 2000), "orders.placed")
	w.tell("park", "imp_park", place("tee", 1, 1000), "orders.rejected")
	w.again()
	w.look("", shelf, "[mug 0 of 0 false tee 0 of 3 false]")
	w.look("park", myOrders, "[imp_park 1 1000 REFUNDING sold_out]")
	w.learn("imp_kim", paid(1000))
	w.learn("imp_lee", orders.Payment{State: orders.PaymentWaiting})
	w.learn("imp_park", paid(1000))
	w.again()
	w.look("kim", myOrders, "[imp_kim 1 1000 PAID]")
	w.look("lee", myOrders, "[imp_lee 2 2000 PENDING_PAYMENT]")
	w.learn("imp_park", cancelled(1000)) // the worker has cancelled it
	w.look("park", myOrders, "[imp_park 1 1000 REFUNDED sold_out]")
	w.look("park", func(v *projections.View) (any, error) {
		o, ok, err := v.Order("imp_park")
		return ok && o.Verdict == w.p.LastOfEntity("orders", "imp_park"), err
	}, "true")

	// Choi names a payment that was prepared for jung; then jung comes with it.
	w.tell("jung", "mug", orders.Prepare{Count: 1}, "products.rejected")
	w.tell("shop", "mug", orders.ChangeStock{Delta: 1}, "products.restocked")
	prepared := w.tell("jung", "mug", orders.Prepare{Count: 1}, "products.prepared")
	jungs := paid(500)
	jungs.MerchantUID = merchantUID(prepared.Sequence, prepared.Request)
	w.tell("choi", "imp_jung", place("mug", 1, 500), "orders.placed")
	w.learn("imp_jung", jungs)
	w.look("choi", myOrders, "[imp_jung 1 500 FAILED payment_of_another]")
	w.again()
	w.tell("jung", "imp_jung", place("mug", 1, 500), "orders.placed")
	w.look("choi", myOrders, "[]")
	w.learn("imp_jung", jungs)
	w.look("jung", myOrders, "[imp_jung 1 500 PAID]")
	w.look("jung", func(v *projections.View) (any, error) {
		p, ok, err := v.Preparation(jungs.MerchantUID)
		_, none, noErr := v.Preparation("m1")
		return fmt.Sprintf("%t %s %s %d %t %v", ok, p.User, p.SalePostID, p.Amount, none, noErr), err
	}, "true jung mug 500 false <nil>")

	// Lee's time is over. What kim has is broken.
	for range 60 {
		w.tell("shop", "jung", alarms.Raise{Kind: "shop", Message: "m"}, "alarms.sent")
	}
	w.learn("imp_lee", orders.Payment{State: orders.PaymentWaiting})
	w.look("lee", myOrders, "[imp_lee 2 2000 FAILED payment_timeout]")
	w.tell("shop", "imp_kim", orders.Cancel{Reason: "broken"}, "orders.cancelled")
	w.tell("shop", "tee", orders.Close{Reason: "moths"}, "products.closed")
	w.again()
	w.look("", shelf, "[mug 0 of 1 false tee 3 of 3 true]")
	w.look("kim", myOrders, "[imp_kim 1 1000 REFUNDING order_cancelled]")
	w.tell("lee", "imp_lee2", place("tee", 1, 1000), "orders.rejected")
	w.look("lee", myOrders, "[imp_lee2 1 1000 REFUNDING product_closed imp_lee 2 2000 FAILED payment_timeout]")
	stats, err := w.p.Stats(t.Context())
	if got := fmt.Sprint(stats.Orders); err != nil || got != "map[FAILED:1 PAID:1 PENDING_PAYMENT:0 REFUNDED:1 REFUNDING:2 VERIFYING:0]" {
		t.Errorf("got %s %v", got, err)
	}
	w.learn("imp_kim", cancelled(1000))
	w.look("kim", myOrders, "[imp_kim 1 1000 REFUNDED order_cancelled]")
	w.look("kim", myAlarms, "[1 order-refunded false]")
	w.again()

	var happened []string
	for e, err := range w.p.EventsOfEntity(t.Context(), "orders", "imp_kim", 1) {
		if err != nil {
			t.Fatal(err)
		}
		if name, _ := e.Body.Type(); name != "orders.recheck" {
			happened = append(happened, name)
		}
		if e.Number == w.p.LastOfEntity("orders", "imp_kim") {
			break
		}
	}
	want := []string{"orders.placed", "orders.succeeded", "orders.refund-due", "orders.cancelled", "orders.refunded"}
	if !reflect.DeepEqual(happened, want) {
		t.Errorf("got %q, want %q", happened, want)
	}
	got := exported(t, w.p.ExportOrders(), func(o orders.Order) string {
		return fmt.Sprint(o.ImpUID, " ", o.User, " ", o.Status, " ", o.PlacedAt != 0, o.Verdict != 0)
	})
	want = []string{"imp_jung jung PAID true true", "imp_kim kim REFUNDED true true", "imp_lee lee FAILED true true",
		"imp_lee2 lee REFUNDING true false", "imp_park park REFUNDED true true"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	w.tell("shop", "imp_kim", orders.Cancel{}, "orders.rejected")
	got = exported(t, w.p.ExportTrail(), func(d projections.Deed) string {
		return strings.TrimSpace(fmt.Sprint(d.User, " ", d.Type, " ", d.Entity, " ", d.Code, d.Reason))
	})
	want = []string{"shop products.created mug", "shop products.created tee", "shop products.restocked tee found",
		"shop products.restocked mug", "shop orders.cancelled imp_kim broken", "shop products.closed tee moths",
		"shop orders.cancel imp_kim already_cancelled"}
	if got = append(got[:4:4], got[len(got)-3:]...); !reflect.DeepEqual(got, want) { // without the 60 alarms
		t.Errorf("got %q, want %q", got, want)
	}
	w.learn("imp_jung", jungs) // nothing new, and the last that the log has
}
