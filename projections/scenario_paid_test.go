package projections_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections"
	"onsale/projections/store"
)

// paidNode has a paid schedule of six seats that starts in a day, and a promotion of coupons that take off 10 %.
func paidNode(t *testing.T) *testNode {
	tn := newTestNode(t)
	tn.close()
	tn.messageInterval = 10 * time.Second
	tn.start()
	tn.submitExpect("admin", "hall", seats.Create{Title: "t", HoldSeconds: 300, MaxSeatsPerUser: 4, StartsAt: retimedStart.Add(25 * time.Hour),
		Options:  seats.Options{Payment: seats.PaymentRequired, RefundTiers: []seats.RefundTier{{UntilSeconds: 3600, Percent: 70}}},
		Sections: []seats.Section{{Name: "A", Price: 1000, Rows: []seats.Row{{Name: "1", Seats: 6}}}}}, "seats.created")
	tn.submitExpect("admin", "ten", coupons.Create{Name: "n", Stock: 9, PerUserLimit: 9,
		DiscountTerms: coupons.DiscountTerms{Discount: &coupons.Discount{Kind: coupons.DiscountPercent, Percent: 10}}}, "coupons.created")
	return tn
}

// orderHold holds seats and orders them with a coupon, or without for "".
func (tn *testNode) orderHold(user, impUID, coupon string, amount int64, ids ...int) {
	tn.tb.Helper()
	held := tn.submitExpect(user, "hall", seats.Hold{ScheduleSeatIDs: ids}, "seats.held")
	tn.submitExpect(user, impUID, orders.Place{HoldID: seats.HoldID(held.Sequence), CouponID: coupon, Amount: amount, Terms: orderTerms}, "orders.placed")
}

// wait lets n times ten seconds pass.
func (tn *testNode) wait(n int) {
	tn.tb.Helper()
	for range n {
		tn.submitExpect("admin", "yoon", alarms.Raise{Kind: "shop", Message: "m"}, "alarms.raise-done")
	}
}

func myPaidReservations(v *store.View) (any, error) {
	return inPagesOfOne(func(from uint64, limit int) (store.Page[store.Reservation], error) {
		return v.Reservations(v.Now(), from, limit)
	},
		func(r store.Reservation) string {
			percent := "-"
			if r.RefundPercent != nil {
				percent = fmt.Sprint(*r.RefundPercent)
			}
			return fmt.Sprint(r.ScheduleSeatIDs, " ", r.TotalPrice, " ", r.Cancelled, " ", r.Order.PaymentID, " ", r.Order.Status, " ",
				r.Order.Refunded(), " ", percent)
		})
}

func myHolds(v *store.View) (any, error) {
	return inPagesOfOne(func(from uint64, limit int) (store.Page[store.Hold], error) { return v.Holds("hall", from, limit) },
		func(h store.Hold) string { return fmt.Sprint(h.ScheduleSeatIDs, " ", h.TotalPrice, " ", h.PaymentID) })
}

func myPaidCoupons(v *store.View) (any, error) {
	return inPagesOfOne(v.Coupons, func(c store.Coupon) string {
		return strings.TrimSpace(fmt.Sprint(c.Number, " ", c.Status, " ", c.DiscountTerms.Discount.Percent, " ", c.PaymentID))
	})
}

// Every way that an ordered hold can go, with restarts between: the rows are those of a rebuilt store at the end, see testNode.check.
func TestScenario_PaidSeats(t *testing.T) {
	tn := paidNode(t)
	for range 2 {
		tn.submitExpect("kim", "ten", coupons.Issue{}, "coupons.issued")
	}

	// Kim pays, and cancels: 70 % are refunded, and the coupon stays used.
	tn.orderHold("kim", "imp_1", "ten-1", 1800, 1, 2)
	tn.restart()
	tn.expectView("kim", myHolds, "[[1 2] 2000 imp_1]")
	tn.expectView("kim", myPaidCoupons, "[2 ISSUED 10 1 IN_ORDER 10 imp_1]")
	tn.recordPayment("imp_1", paidPayment(1800))
	tn.restart()
	tn.expectView("kim", myHolds, "[]")
	tn.expectView("kim", seatMap("hall"), "RRaaaa 4 0 2 0 0 false")
	tn.expectView("kim", myPaidReservations, "[[1 2] 2000 false imp_1 PAID 0 70]")
	tn.expectView("kim", myPaidCoupons, "[2 ISSUED 10 1 USED 10 imp_1]")
	var reservation string
	for r, err := range tn.p.ExportReservations() {
		if err != nil {
			t.Fatal(err)
		}
		reservation = r.ReservationID
	}
	cancelled := tn.submitExpect("kim", "hall", seats.Cancel{ReservationID: reservation}, "seats.cancelled")
	if refund := cancelled.Body.(seats.Cancelled).RefundAmount; refund == nil || *refund != 1260 {
		t.Errorf("refund %v", refund)
	}
	tn.restart()
	tn.expectView("kim", myPaidReservations, "[[1 2] 2000 true imp_1 REFUNDING 0 -]")
	refunded := paidPayment(1800)
	refunded.Cancelled = 1260
	tn.recordPayment("imp_1", refunded)
	tn.expectView("kim", myPaidReservations, "[[1 2] 2000 true imp_1 REFUNDED 1260 -]")
	tn.expectView("kim", myPaidCoupons, "[2 ISSUED 10 1 USED 10 imp_1]")

	// The payment was made up: the coupon is back, and the hold goes on until its time is over. Then it is ordered late.
	tn.orderHold("kim", "imp_2", "ten-2", 900, 3)
	tn.recordPayment("imp_2", orders.Payment{State: orders.PaymentFailed})
	tn.restart()
	tn.expectView("kim", myHolds, "[[3] 1000 ]")
	tn.expectView("kim", myPaidCoupons, "[2 ISSUED 10 1 USED 10 imp_1]")
	hold := holdOf(t, tn, "kim")
	tn.wait(31)
	tn.restart()
	tn.expectView("kim", myHolds, "[]")
	tn.submitExpect("kim", "imp_3", orders.Place{HoldID: hold, CouponID: "ten-2", Amount: 900, Terms: orderTerms}, "orders.placed")
	tn.restart()
	tn.expectView("kim", myHolds, "[[3] 1000 imp_3]")
	tn.expectView("kim", func(v *store.View) (any, error) { o, _, err := v.Order("imp_3"); return o.Late, err }, "true")
	tn.recordPayment("imp_3", paidPayment(900))
	tn.expectView("kim", myPaidReservations, "[[3] 1000 false imp_3 PAID 0 70 [1 2] 2000 true imp_1 REFUNDED 1260 -]")

	// An admin takes it with a refund in full: the coupon is back.
	tn.submitExpect("admin", "hall", seats.Reclaim{ScheduleSeatIDs: []int{3}, Refund: true, Reason: "broken"}, "seats.reclaimed")
	tn.recordPayment("imp_3", cancelledPayment(900))
	tn.restart()
	tn.expectView("kim", myPaidCoupons, "[2 ISSUED 10 1 USED 10 imp_1]")
	tn.expectView("kim", seatMap("hall"), "aaaaaa 6 0 0 0 0 false")
	checkPaidExports(t, tn)
}

// holdOf is the user's newest hold.
func holdOf(t *testing.T, tn *testNode, user string) (id string) {
	t.Helper()
	if err := tn.p.Read(user, func(v *store.View) error {
		page, err := v.Holds("", 0, 1)
		if err == nil {
			id = page.Items[0].HoldID
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

func checkPaidExports(t *testing.T, tn *testNode) {
	t.Helper()
	got := exportRows(t, tn.p.ExportReservations(), func(r store.OwnedReservation) string {
		return fmt.Sprint(r.UserID, r.ScheduleSeatIDs, " ", r.Order.PaymentID, " ", r.Order.Amount, " ", r.Order.Refunded(), " ", r.Order.Kept)
	})
	if want := []string{"kim[1 2] imp_1 1800 1260 540", "kim[3] imp_3 900 900 0"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	got = exportRows(t, tn.p.ExportCoupons(""), func(c store.OwnedCoupon) string {
		s := fmt.Sprint(c.CouponID, " ", c.UserID, " ", c.Status)
		if c.Order != nil {
			s += fmt.Sprint(" ", c.Order.PaymentID, " ", c.Order.Discount)
		}
		return s
	})
	if want := []string{"ten-1 kim USED imp_1 200", "ten-2 kim ISSUED"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A performance is called off: a paid reservation, one that was paid nothing for, one that its user had cancelled before, an order
// without a result and a hold.
func TestScenario_CalledOff(t *testing.T) {
	tn := paidNode(t)
	tn.submitExpect("admin", "all", coupons.Create{Name: "n", Stock: 9, PerUserLimit: 9,
		DiscountTerms: coupons.DiscountTerms{Discount: &coupons.Discount{Kind: coupons.DiscountFixed, Amount: 5000}}}, "coupons.created")
	tn.submitExpect("lee", "all", coupons.Issue{}, "coupons.issued")
	tn.orderHold("kim", "imp_1", "", 1000, 1)
	tn.recordPayment("imp_1", paidPayment(1000))
	tn.orderHold("lee", orders.NoPayment, "all-1", 0, 2)
	tn.orderHold("park", "imp_3", "", 1000, 3)
	tn.submitExpect("choi", "hall", seats.Hold{ScheduleSeatIDs: []int{4}}, "seats.held")
	tn.submitExpect("admin", "hall", seats.CancelSchedule{Reason: "flu"}, "seats.schedule-cancelled")
	tn.restart()
	tn.wait(1)
	tn.expectView("kim", seatMap("hall"), "bbbbbb 0 0 0 6 0 true")
	tn.expectView("choi", myHolds, "[]")
	tn.expectView("park", myHolds, "[]")
	tn.expectView("kim", myPaidReservations, "[[1] 1000 true imp_1 REFUNDING 0 -]")
	tn.expectView("lee", func(v *store.View) (any, error) {
		page, err := v.Coupons(0, 10)
		return fmt.Sprint(page.Items[0].Status, page.Items[0].PaymentID), err
	}, "ISSUED")
	expectRefunds := func(want projections.Refunds, underRefund int64, stuck int) {
		t.Helper()
		stats, err := tn.p.Stats(t.Context())
		if err != nil || stats.Refunds["hall"] != want || stats.UnderRefund != underRefund || stats.StuckRefunds != stuck {
			t.Errorf("got %+v %d %d %v", stats.Refunds, stats.UnderRefund, stats.StuckRefunds, err)
		}
	}
	expectRefunds(projections.Refunds{Refunding: 1, Refunded: 1}, 1000, 0)
	tn.recordPayment("imp_3", paidPayment(1000)) // it was paid after all
	expectRefunds(projections.Refunds{Refunding: 1, Refunded: 1}, 2000, 0)
	tn.wait(220) // rechecks after 1, 3, 7, 15 and 31 minutes
	expectRefunds(projections.Refunds{Refunding: 1, Refunded: 1, Stuck: 1}, 2000, 2)
	tn.restart()
	expectRefunds(projections.Refunds{Refunding: 1, Refunded: 1, Stuck: 1}, 2000, 2)
	tn.recordPayment("imp_1", cancelledPayment(1000))
	tn.recordPayment("imp_3", cancelledPayment(1000))
	expectRefunds(projections.Refunds{Refunded: 2}, 0, 0)
	tn.expectView("kim", myAlarms, "[2 order-refunded false reservation-cancelled false]")
	tn.expectView("", func(v *store.View) (any, error) {
		s, _, err := v.Schedule("hall")
		return s.Cancelled.Reason == "flu" && s.Cancelled.At != domain.Time(0), err
	}, "true")
}
