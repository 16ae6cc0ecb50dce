package projections_test

import (
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections/store"
)

// submitExpect submits a command and checks the type of its outcome.
func (tn *testNode) submitExpect(user, entity string, body domain.Body, want string) domain.Event {
	tn.tb.Helper()
	state, err := tn.log.State(tn.tb.Context())
	if err != nil {
		tn.tb.Fatal(err)
	}
	o := tn.submit(command(user, fmt.Sprint("command ", state.Commands.Last), entity, body))
	if typeOf(o) != want {
		tn.tb.Fatalf("%s of %s: got %s %+v, want %s", user, entity, typeOf(o), o.Body, want)
	}
	return o
}

// expectView checks what a query returns for user.
func (tn *testNode) expectView(user string, query func(v *store.View) (any, error), want string) {
	tn.tb.Helper()
	err := tn.p.Read(user, func(v *store.View) error {
		seen, err := query(v)
		if got := fmt.Sprintf("%+v", seen); err == nil && got != want {
			tn.tb.Errorf("%s: got\n %s\nwant\n %s", user, got, want)
		}
		return err
	})
	if err != nil {
		tn.tb.Error(err)
	}
}

func (tn *testNode) restart() {
	tn.close()
	tn.start()
	tn.waitConfirmed()
}

// myCoupons are "number status", in pages of one.
func myCoupons(v *store.View) (any, error) {
	return inPagesOfOne(v.Coupons, func(c store.Coupon) string { return fmt.Sprint(c.CouponID, " ", c.Status) })
}

func inPagesOfOne[T any](list func(from uint64, limit int) (store.Page[T], error), format func(T) string) (seen []string, err error) {
	for from := uint64(0); ; {
		page, err := list(from, 1)
		if err != nil || len(page.Items) > 1 {
			return seen, fmt.Errorf("%d items, %w", len(page.Items), err)
		}
		for _, item := range page.Items {
			seen = append(seen, format(item))
		}
		if from = page.Next; from == 0 {
			return seen, nil
		}
	}
}

func myWaiting(v *store.View) (any, error) {
	page, err := v.Waiting(0, 10)
	var seen []string
	for _, p := range page.Items {
		seen = append(seen, fmt.Sprint(p.PromotionID, p.ScheduleID, " ", p.Section, p.Quantity, " at ", p.Position, " offered ", p.ExpiresAt != 0, p.ScheduleSeatIDs))
	}
	return seen, err
}

func myAlarms(v *store.View) (any, error) {
	page, err := v.Alarms(0, 10)
	seen := []string{fmt.Sprint(v.UnreadAlarms())}
	for _, a := range page.Items {
		seen = append(seen, fmt.Sprint(a.Raised.Kind, " ", a.Read))
	}
	return seen, err
}

// A promotion from its creation to its end, with restarts.
func TestScenario_Coupons(t *testing.T) {
	tn := newTestNode(t)
	tn.submitExpect("admin", "sale", coupons.Create{Name: "s", Stock: 2, PerUserLimit: 2}, "coupons.created")
	tn.submitExpect("kim", "sale", coupons.Issue{}, "coupons.issued")
	tn.submitExpect("lee", "sale", coupons.Issue{}, "coupons.issued")
	park := tn.submitExpect("park", "sale", coupons.Join{Quantity: 1}, "coupons.joined")
	choi := tn.submitExpect("choi", "sale", coupons.Join{Quantity: 2}, "coupons.joined")
	tn.submitExpect("admin", "sale", coupons.Pause{Reason: "rain"}, "coupons.paused")
	tn.restart()
	tn.expectView("choi", myWaiting, "[sale 2 at 2 offered false []]")
	tn.expectView("", func(v *store.View) (any, error) {
		p, _, err := v.Promotion("sale")
		return []any{p.Issued(), p.Remaining(), p.Paused, v.WaitingCount("sale"), v.WaitingCount("none")}, err
	}, "[2 0 true 2 0]")
	tn.submitExpect("admin", "sale", coupons.Resume{}, "coupons.resumed")
	tn.submitExpect("kim", "sale", coupons.Use{Number: 1}, "coupons.used")
	tn.submitExpect("admin", "sale", coupons.Revoke{Number: 2, ReturnStock: true, Reason: "fraud"}, "coupons.revocation-done")
	tn.restart()
	tn.expectView("kim", myCoupons, "[sale-1 USED]")
	tn.expectView("lee", myCoupons, "[sale-2 REVOKED]")
	tn.expectView("lee", myAlarms, "[1 coupon-revoked false]")
	tn.expectView("park", myWaiting, "[sale 1 at 0 offered true []]")
	tn.expectView("choi", myWaiting, "[sale 2 at 1 offered false []]")
	tn.submitExpect("admin", "sale", coupons.ChangeStock{Delta: 3}, "coupons.stock-changed")
	tn.submitExpect("choi", "sale", coupons.Issue{}, "coupons.issued")
	tn.submitExpect("choi", "sale", coupons.Accept{WaitingID: coupons.WaitingID("sale", choi.Sequence)}, "coupons.rejected")
	tn.submitExpect("choi", "sale", coupons.Leave{WaitingID: coupons.WaitingID("sale", choi.Sequence)}, "coupons.left")
	pair := tn.submitExpect("jung", "sale", coupons.Join{Quantity: 2}, "coupons.joined")
	tn.submitExpect("jung", "sale", coupons.Accept{WaitingID: coupons.WaitingID("sale", pair.Sequence)}, "coupons.accepted")
	tn.submitExpect("park", "sale", coupons.Decline{WaitingID: coupons.WaitingID("sale", park.Sequence)}, "coupons.declined")
	tn.submitExpect("jung", "sale", coupons.Use{Number: 5}, "coupons.used")
	tn.submitExpect("admin", "sale", coupons.Close{}, "coupons.closed")
	tn.restart()
	tn.expectView("jung", myCoupons, "[sale-4 ISSUED sale-5 USED]")
	tn.expectView("park", myWaiting, "[]")
	tn.submitExpect("lee", "lee", alarms.MarkAllRead{}, "alarms.all-marked-read")
	sent := tn.submitExpect("admin", "lee", alarms.Raise{Kind: "shop", Message: "sorry"}, "alarms.raise-done")
	tn.expectView("lee", myAlarms, "[1 shop false coupon-revoked true]")
	tn.submitExpect("lee", "lee", alarms.MarkRead{AlarmID: alarms.ID(sent.Number - 1)}, "alarms.marked-read")
	tn.expectView("lee", myAlarms, "[0 shop true coupon-revoked true]")

	got := exportRows(t, tn.p.ExportCoupons(""), func(c store.OwnedCoupon) string {
		return fmt.Sprint(c.CouponID, " ", c.UserID, " ", c.Status, " ", c.IssuedAt != 0)
	})
	want := []string{"sale-1 kim USED true", "sale-2 lee REVOKED true", "sale-3 choi ISSUED true", "sale-4 jung ISSUED true", "sale-5 jung USED true"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	got = exportRows(t, tn.p.ExportAuditLog(), func(d store.AdminAction) string {
		return strings.TrimSpace(fmt.Sprint(d.User, " ", d.Command, " ", d.Entity, d.Code, " ", d.Reason))
	})
	want = []string{"admin coupons.create sale", "admin coupons.pause sale rain", "admin coupons.resume sale",
		"admin coupons.revoke sale fraud", "admin coupons.change-stock sale", "admin coupons.close sale", "admin alarms.raise lee"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func exportRows[T any](t *testing.T, rows iter.Seq2[T, error], format func(T) string) (lines []string) {
	t.Helper()
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, format(row))
	}
	return lines
}

// seatMap is a letter for each seat, upper case for the user's own, and the counts.
func seatMap(schedule string) func(v *store.View) (any, error) {
	return func(v *store.View) (any, error) {
		s, _, err := v.Schedule(schedule)
		if err != nil {
			return nil, err
		}
		row := ""
		err = v.Seats(schedule, func(seat store.SeatView) error {
			letter := strings.ToLower(string(seat.Status[:1]))
			if seat.Mine {
				letter = strings.ToUpper(letter)
			}
			if seat.HeldUntil != 0 {
				letter += "!"
			}
			row += letter
			return nil
		})
		return fmt.Sprint(row, " ", s.Available, s.Held, s.Reserved, s.Blocked, " ", s.Waiting, s.Closed), err
	}
}

// A schedule from its creation to its end, with restarts.
func TestScenario_Seats(t *testing.T) {
	tn := newTestNode(t)
	tn.close()
	tn.messageInterval = time.Second
	tn.start()
	tn.submitExpect("admin", "hall", seats.Create{Title: "t", HoldSeconds: 90, MaxSeatsPerUser: 4,
		Options:  seats.Options{MaxExtensions: 1, ReleaseEverySeconds: 3600},
		Sections: []seats.Section{{Name: "A", Price: 5, Rows: []seats.Row{{Name: "1", Seats: 6}}}}}, "seats.created")
	tn.submitExpect("admin", "hall", seats.Block{ScheduleSeatIDs: []int{5, 6}, Reason: "view"}, "seats.blocked")
	kim := tn.submitExpect("kim", "hall", seats.Hold{ScheduleSeatIDs: []int{1, 2}}, "seats.held")
	lee := tn.submitExpect("lee", "hall", seats.Hold{ScheduleSeatIDs: []int{3, 4}}, "seats.held")
	tn.submitExpect("kim", "hall", seats.Extend{HoldID: seats.HoldID(kim.Sequence)}, "seats.extended")
	tn.submitExpect("admin", "hall", seats.Unblock{ScheduleSeatIDs: []int{5}}, "seats.unblocked")
	tn.submitExpect("lee", "hall", seats.Swap{HoldID: seats.HoldID(lee.Sequence), Release: []int{3}, Take: []int{5}}, "seats.swapped")
	tn.restart()
	tn.expectView("kim", seatMap("hall"), "H!H!ahhb 1 4 0 1 0 false")
	tn.expectView("kim", func(v *store.View) (any, error) {
		page, err := v.Holds("", 0, 10)
		return len(page.Items) == 1 && page.Items[0].TotalPrice == 10 && fmt.Sprint(page.Items[0].ScheduleSeatIDs) == "[1 2]", err
	}, "true")
	r := tn.submitExpect("lee", "hall", seats.Reserve{HoldID: seats.HoldID(lee.Sequence)}, "seats.reserved")
	tn.submitExpect("admin", "hall", seats.Reclaim{ScheduleSeatIDs: []int{4}, Reason: "broken"}, "seats.reclaimed")
	tn.expectView("lee", func(v *store.View) (any, error) {
		page, err := v.Reservations(v.Now(), 0, 10)
		return page.Items, err
	}, fmt.Sprintf("[{ReservationID:%s ScheduleID:hall ScheduleSeatIDs:[5] TotalPrice:5 Cancelled:false Order:<nil> RefundPercent:<nil>}]", seats.ReservationID("hall", r.Sequence)))
	tn.expectView("lee", myAlarms, "[1 reservation-cancelled false]")
	tn.submitExpect("lee", "hall", seats.Hold{ScheduleSeatIDs: []int{3, 4}}, "seats.held")
	park := tn.submitExpect("park", "hall", seats.Join{Quantity: 1}, "seats.joined")
	tn.submitExpect("choi", "hall", seats.Join{Quantity: 1, Section: "A"}, "seats.joined")
	tn.submitExpect("jung", "hall", seats.Join{Quantity: 2, Section: "A"}, "seats.joined")
	tn.restart()
	tn.expectView("park", myWaiting, "[hall 1 at 1 offered false []]")
	tn.expectView("jung", myWaiting, "[hall A2 at 2 offered false []]")
	tn.submitExpect("lee", "hall", seats.Cancel{ReservationID: seats.ReservationID("hall", r.Sequence)}, "seats.cancelled")
	tn.restart()
	tn.expectView("park", myWaiting, "[hall 1 at 0 offered true [5]]")
	tn.expectView("park", seatMap("hall"), "hhhhhb 0 5 0 1 2 false") // an offer does not belong to the user yet
	tn.submitExpect("park", "hall", seats.Accept{WaitingID: seats.WaitingID("hall", park.Sequence)}, "seats.accepted")
	tn.expectView("park", seatMap("hall"), "hhhhH!b 0 5 0 1 2 false")
	tn.expectView("lee", func(v *store.View) (any, error) {
		page, err := v.Reservations(v.Now(), 0, 10)
		return page.Items[0].Cancelled, err
	}, "true")
	// Two minutes later all holds have expired, and their seats become available at the full hour.
	for range 120 {
		tn.submitExpect("admin", "kim", alarms.Raise{Kind: "shop", Message: "m"}, "alarms.raise-done")
	}
	tn.restart()
	tn.expectView("park", seatMap("hall"), "hhhhhb 0 5 0 1 2 false")
	tn.submitExpect("admin", "hall", seats.Close{Reason: "late"}, "seats.closed")
	tn.restart()
	tn.expectView("kim", seatMap("hall"), "hhhhhb 0 5 0 1 2 true")
	got := exportRows(t, tn.p.ExportSeats(""), func(s store.OwnedSeat) string {
		return fmt.Sprint(s.ScheduleSeatID, " ", s.Status, s.UserID, s.RefID, " ", s.Until != 0)
	})
	want := []string{"1 HELD true", "2 HELD true", "3 HELD true", "4 HELD true", "5 HELD true", "6 BLOCKED false"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	tn.submitExpect("admin", "hall", seats.Unblock{ScheduleSeatIDs: []int{6}}, "seats.unblocked")
	stats, err := tn.p.Stats(t.Context())
	if err != nil || stats.Holds != 0 || stats.Waiting != 2 || stats.Offers != 0 || stats.Backlog != 0 || stats.Events["seats.held"] != 3 ||
		stats.DecidedSequence/1000 != stats.AcceptedSequence/1000 || stats.Rate <= 0 {
		t.Errorf("got %+v %v", stats, err)
	}
}

// recordPayment appends what the payment worker appends after it has asked the provider.
func (tn *testNode) recordPayment(impUID string, payment orders.Payment) {
	tn.tb.Helper()
	tn.waitConfirmed()
	var o orders.Order
	err := tn.p.Read("", func(v *store.View) (err error) {
		o, _, err = v.Order(impUID)
		return err
	})
	if err != nil {
		tn.tb.Fatal(err)
	}
	tn.append(domain.Command{Entity: impUID, Body: orders.RecordPayment{LastEvent: o.LastEvent, Payment: payment}})
	tn.waitConfirmed()
}

var orderTerms = orders.Terms{Currency: "KRW", PaySeconds: 600}

func placeOrder(product string, count int, amount int64) orders.Place {
	return orders.Place{ProductID: product, Count: count, Amount: amount, Terms: orderTerms}
}

func paidPayment(amount int64) orders.Payment {
	return orders.Payment{State: orders.PaymentPaid, Amount: amount, Currency: "KRW"}
}

func cancelledPayment(amount int64) orders.Payment {
	return orders.Payment{State: orders.PaymentCancelled, Amount: amount, Cancelled: amount, Currency: "KRW"}
}

// myOrders are in pages of one.
func myOrders(v *store.View) (any, error) {
	return inPagesOfOne(v.Orders, func(o orders.Order) string {
		return strings.TrimSpace(fmt.Sprint(o.PaymentID, " ", o.Count, " ", o.Amount, " ", o.Status, " ", o.Reason))
	})
}

// productStock is the remaining and total stock of each product, and whether it is closed.
func productStock(v *store.View) (any, error) {
	list, err := v.Products("", 10)
	var seen []string
	for _, p := range list {
		seen = append(seen, fmt.Sprint(p.ProductID, " ", p.Remaining(), " of ", p.Stock, " ", p.ClosedAt != 0))
	}
	return seen, err
}

// Orders of a product with a stock of three, with every result that a payment can have, and restarts.
func TestScenario_Orders(t *testing.T) {
	tn := newTestNode(t)
	tn.close()
	tn.messageInterval = 10 * time.Second
	tn.start()
	tn.submitExpect("admin", "mug", orders.Create{Name: "m", Price: 500}, "products.created")
	tn.submitExpect("admin", "tee", orders.Create{Name: "t", Price: 1000, Stock: 2}, "products.created")
	tn.submitExpect("admin", "tee", orders.ChangeStock{Delta: 1, Reason: "found"}, "products.stock-changed")
	tn.submitExpect("kim", "imp_kim", placeOrder("tee", 1, 1000), "orders.placed")
	tn.submitExpect("lee", "imp_lee", placeOrder("tee", 2, 2000), "orders.placed")
	tn.submitExpect("park", "imp_park", placeOrder("tee", 1, 1000), "orders.rejected")
	tn.restart()
	tn.expectView("", productStock, "[mug 0 of 0 false tee 0 of 3 false]")
	tn.expectView("park", myOrders, "[imp_park 1 1000 REFUNDING sold_out]")
	tn.recordPayment("imp_kim", paidPayment(1000))
	tn.recordPayment("imp_lee", orders.Payment{State: orders.PaymentWaiting})
	tn.recordPayment("imp_park", paidPayment(1000))
	tn.restart()
	tn.expectView("kim", myOrders, "[imp_kim 1 1000 PAID]")
	tn.expectView("lee", myOrders, "[imp_lee 2 2000 PENDING_PAYMENT]")
	tn.recordPayment("imp_park", cancelledPayment(1000)) // refunded by the worker
	tn.expectView("park", myOrders, "[imp_park 1 1000 REFUNDED sold_out]")
	tn.expectView("park", func(v *store.View) (any, error) {
		o, ok, err := v.Order("imp_park")
		return ok && o.ResultEvent == tn.p.LastOfEntity("orders", "imp_park"), err
	}, "true")

	// Choi orders with a payment that was prepared for jung; then jung orders with it.
	tn.submitExpect("jung", "mug", orders.Prepare{Count: 1}, "products.rejected")
	tn.submitExpect("admin", "mug", orders.ChangeStock{Delta: 1}, "products.stock-changed")
	prepared := tn.submitExpect("jung", "mug", orders.Prepare{Count: 1}, "products.prepared")
	jungPayment := paidPayment(500)
	jungPayment.MerchantUID = merchantUID(prepared.Sequence, prepared.Request)
	tn.submitExpect("choi", "imp_jung", placeOrder("mug", 1, 500), "orders.placed")
	tn.recordPayment("imp_jung", jungPayment)
	tn.expectView("choi", myOrders, "[imp_jung 1 500 FAILED payment_of_another]")
	tn.restart()
	tn.submitExpect("jung", "imp_jung", placeOrder("mug", 1, 500), "orders.placed")
	tn.expectView("choi", myOrders, "[]")
	tn.recordPayment("imp_jung", jungPayment)
	tn.expectView("jung", myOrders, "[imp_jung 1 500 PAID]")
	tn.expectView("jung", func(v *store.View) (any, error) {
		p, ok, err := v.Preparation(jungPayment.MerchantUID)
		_, none, noErr := v.Preparation("m1")
		return fmt.Sprintf("%t %s %s %d %t %v", ok, p.User, p.ProductID, p.Amount, none, noErr), err
	}, "true jung mug 500 false <nil>")

	// Lee's payment times out. Kim's order is cancelled by an admin.
	for range 60 {
		tn.submitExpect("admin", "jung", alarms.Raise{Kind: "shop", Message: "m"}, "alarms.raise-done")
	}
	tn.recordPayment("imp_lee", orders.Payment{State: orders.PaymentWaiting})
	tn.expectView("lee", myOrders, "[imp_lee 2 2000 FAILED payment_timeout]")
	tn.submitExpect("admin", "imp_kim", orders.Cancel{Reason: "broken"}, "orders.cancelled")
	tn.submitExpect("admin", "tee", orders.Close{Reason: "moths"}, "products.closed")
	tn.restart()
	tn.expectView("", productStock, "[mug 0 of 1 false tee 3 of 3 true]")
	tn.expectView("kim", myOrders, "[imp_kim 1 1000 REFUNDING order_cancelled]")
	tn.submitExpect("lee", "imp_lee2", placeOrder("tee", 1, 1000), "orders.rejected")
	tn.expectView("lee", myOrders, "[imp_lee2 1 1000 REFUNDING product_closed imp_lee 2 2000 FAILED payment_timeout]")
	stats, err := tn.p.Stats(t.Context())
	if got := fmt.Sprint(stats.Orders); err != nil || got != "map[FAILED:1 PAID:1 PENDING_PAYMENT:0 REFUNDED:1 REFUNDING:2 VERIFYING:0]" {
		t.Errorf("got %s %v", got, err)
	}
	tn.recordPayment("imp_kim", cancelledPayment(1000))
	tn.expectView("kim", myOrders, "[imp_kim 1 1000 REFUNDED order_cancelled]")
	tn.expectView("kim", myAlarms, "[1 order-refunded false]")
	tn.restart()
	checkOrderHistory(t, tn)
	tn.recordPayment("imp_jung", jungPayment) // not new, and the last command of the log
}

// checkOrderHistory compares the events of an order, the exports and the audit log.
func checkOrderHistory(t *testing.T, tn *testNode) {
	t.Helper()
	var types []string
	for e, err := range tn.p.EventsOfEntity(t.Context(), "orders", "imp_kim", 1) {
		if err != nil {
			t.Fatal(err)
		}
		if name := typeOf(e); name != "orders.recheck" {
			types = append(types, name)
		}
		if e.Number == tn.p.LastOfEntity("orders", "imp_kim") {
			break
		}
	}
	want := []string{"orders.placed", "orders.succeeded", "orders.refund-due", "orders.cancelled", "orders.refunded"}
	if !reflect.DeepEqual(types, want) {
		t.Errorf("got %q, want %q", types, want)
	}
	got := exportRows(t, tn.p.ExportOrders(), func(o orders.Order) string {
		return fmt.Sprint(o.PaymentID, " ", o.User, " ", o.Status, " ", o.PlacedAt != 0, o.ResultEvent != 0)
	})
	want = []string{"imp_jung jung PAID true true", "imp_kim kim REFUNDED true true", "imp_lee lee FAILED true true",
		"imp_lee2 lee REFUNDING true false", "imp_park park REFUNDED true true"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	tn.submitExpect("admin", "imp_kim", orders.Cancel{}, "orders.rejected")
	got = exportRows(t, tn.p.ExportAuditLog(), func(d store.AdminAction) string {
		return strings.TrimSpace(fmt.Sprint(d.User, " ", d.Command, " ", d.Entity, " ", d.Code, d.Reason))
	})
	want = []string{"admin products.create mug", "admin products.create tee", "admin products.change-stock tee found",
		"admin products.change-stock mug", "admin orders.cancel imp_kim broken", "admin products.close tee moths",
		"admin orders.cancel imp_kim already_cancelled"}
	if got = append(got[:4:4], got[len(got)-3:]...); !reflect.DeepEqual(got, want) { // without the 60 alarms
		t.Errorf("got %q, want %q", got, want)
	}
}
