// Scenarios of paid seats, coupons, refunds in part, and payments whose order was never sent.

package payments_test

import (
	"fmt"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/http/payments/portone/fakeportone"
	"onsale/projections/store"
)

const (
	discount  = 100 // of a seat's price
	seatPrice = price - discount
)

var seatScenarios = []scenario{
	{name: "seat, paid", seats: true, noRefund: true, before: prepares, order: sequence(pays(seatPrice), placesOrder)},
	{name: "seat, underpaid", seats: true, order: sequence(pays(700), placesOrder)},
	{name: "seat, payment failed, then succeeded", seats: true, order: sequence(startsPayment("failed"), placesOrder), then: succeedsLate},
	{name: "seat, transfer in time", seats: true, noRefund: true, order: sequence(startsPayment("ready"), placesOrder), then: deposits},
	{name: "seat, transfer too late", seats: true, order: sequence(startsPayment("ready"), placesOrder), after: deposits},
	{name: "seat, never paid", seats: true, noRefund: true, order: placesOrder},
	{name: "seat, hold over, seat free", seats: true, noRefund: true, holdSeconds: 30, late: sequence(pays(seatPrice), placesOrder)},
	{name: "seat, hold over, seat taken", seats: true, holdSeconds: 30, late: sequence(otherHolds, pays(seatPrice), placesOrder)},
	{name: "seat, hold over while verified", seats: true, noRefund: true, holdSeconds: 30, before: sequence(startsPayment("ready"), placesOrder),
		late: deposits},
	{name: "seat, called off before the transfer", seats: true, order: sequence(startsPayment("ready"), placesOrder), then: callsOff, late: deposits},
	{name: "seat, called off after the result", seats: true, order: sequence(pays(seatPrice), placesOrder), then: callsOff},
	{name: "seat, called off while verified", seats: true, order: atOnce(pays(seatPrice), placesOrder, callsOff)},
	{name: "seat, reclaimed", seats: true, order: sequence(pays(seatPrice), placesOrder), then: reclaims},
	{name: "seat, reclaimed and called off", seats: true, order: sequence(pays(seatPrice), placesOrder), then: sequence(reclaims, callsOff)},
	{name: "seat, admin refunds 30 %", seats: true, order: sequence(pays(seatPrice), placesOrder), then: adminRefunds(30)},
	{name: "seat, admin refunds 0 %", seats: true, noRefund: true, order: sequence(pays(seatPrice), placesOrder), then: adminRefunds(0)},
	{name: "seat, user cancels for 70 %", seats: true, order: sequence(pays(seatPrice), placesOrder), then: userCancels},
	{name: "seat, user cancels, console refunds the rest", seats: true, order: sequence(pays(seatPrice), placesOrder), then: userCancels,
		late: sequence(cancelsAtConsole(0), notification)},
	{name: "seat, console refunds a part, user cancels", seats: true, order: sequence(pays(seatPrice), placesOrder),
		then: sequence(cancelsAtConsole(200), userCancels)},
	{name: "seat, console refunds more, user cancels", seats: true, noRefund: true, order: sequence(pays(seatPrice), placesOrder),
		then: sequence(cancelsAtConsole(800), userCancels)},
	{name: "seat, two orders on a hold", seats: true, order: sequence(startsPayment("ready"), placesOrder), then: sequence(paysTwice, deposits)},
	{name: "seat, costs nothing", seats: true, free: true, noRefund: true, noRequest: true, order: placesOrder},
	{name: "seat, costs nothing, user cancels", seats: true, free: true, noRefund: true, noRequest: true, order: placesOrder, then: userCancels},
	{name: "seat, refund in part pending", seats: true, async: true, order: sequence(pays(seatPrice), placesOrder), then: userCancels,
		late: completesCancel(true)},
	{name: "seat, refund in part fails, then succeeds", seats: true, async: true, order: sequence(pays(seatPrice), placesOrder), then: userCancels,
		late: completesCancel(false), after: completesCancel(true)},
	{name: "seat, paid and gone", seats: true, noRefund: true, before: prepares, order: pays(seatPrice)},
	{name: "seat, paid and gone, no webhook", seats: true, noRefund: true, noWebhook: true, before: prepares, order: pays(seatPrice)},
	{name: "seat, paid and gone, ordered after that", seats: true, noRefund: true, before: prepares, order: pays(seatPrice), then: placesOrder},
	{name: "seat, paid and gone, seat taken", seats: true, noWebhook: true, holdSeconds: 30, before: prepares, order: pays(seatPrice),
		late: otherOrdersSeat},
	{name: "seat, paid and gone, called off", seats: true, before: sequence(prepares, callsOff), order: pays(seatPrice)},
	{name: "unit, paid and gone", noRefund: true, before: prepares, order: pays(price)},
	{name: "unit, paid and gone, sold out", extraStock: 1, before: prepares, order: sequence(othersOrder, pays(price))},
	{name: "unit, transfer and gone", noRefund: true, before: prepares, order: startsPayment("ready"), late: deposits},
}

// setUpSeats makes a schedule with one seat at price, held by the user, and a coupon of the user.
func (fc *faultCase) setUpSeats() {
	n, hold := fc.n, fc.holdSeconds
	if hold == 0 {
		hold = 1200
	}
	n.submit("admin", fc.schedule, seats.Create{
		Title: "Opera", StartsAt: domain.At(time.Now().Add(72 * time.Hour)), HoldSeconds: hold, MaxSeatsPerUser: 1,
		Options: seats.Options{Payment: seats.PaymentRequired, RefundTiers: []seats.RefundTier{{UntilSeconds: 3600, Percent: 70}},
			MaxHoldSeconds: hold},
		Sections: []seats.Section{{Name: "A", Price: price, Rows: []seats.Row{{Name: "1", Seats: 1}}}},
	})
	less := int64(discount)
	if fc.free {
		less = price
	}
	n.submit("admin", fc.promotion(), coupons.Create{
		Name: "less", Stock: 1, PerUserLimit: 1, DiscountTerms: coupons.DiscountTerms{Discount: &coupons.Discount{Kind: coupons.DiscountFixed, Amount: less}},
	})
	n.submit(fc.user, fc.promotion(), coupons.Issue{})
	fc.setHold(n.submit(fc.user, fc.schedule, seats.Hold{ScheduleSeatIDs: []int{1}}))
}

func (fc *faultCase) promotion() string { return "of-" + fc.schedule }

func (fc *faultCase) setHold(sequence uint64) {
	fc.holdID = seats.HoldID(sequence)
	fc.matrix.mu.Lock()
	defer fc.matrix.mu.Unlock()
	fc.matrix.byEntity[fc.holdID] = fc
}

func otherHolds(fc *faultCase) {
	fc.n.submit(fc.otherUser(), fc.schedule, seats.Hold{ScheduleSeatIDs: []int{1}})
}

// otherOrdersSeat keeps the seat for a day, without paying.
func otherOrdersSeat(fc *faultCase) {
	hold := seats.HoldID(fc.n.submit(fc.otherUser(), fc.schedule, seats.Hold{ScheduleSeatIDs: []int{1}}))
	order := orders.Place{HoldID: hold, Amount: price, Terms: orders.Terms{Currency: "KRW", PaySeconds: 30 * 24 * 60 * 60}}
	fc.n.submit(fc.otherUser(), fc.otherUser(), order)
}

func callsOff(fc *faultCase) {
	fc.n.submit("admin", fc.schedule, seats.CancelSchedule{Reason: "storm"})
}

func reclaims(fc *faultCase) {
	fc.n.submit("admin", fc.schedule, seats.Reclaim{ScheduleSeatIDs: []int{1}, Reason: "camera", Refund: true})
}

func adminRefunds(percent int) step {
	return func(fc *faultCase) {
		fc.n.submit("admin", fc.ref(), orders.Cancel{Reason: "broken", Percent: &percent})
	}
}

func userCancels(fc *faultCase) {
	fc.n.submit(fc.user, fc.schedule, seats.Cancel{ReservationID: fc.n.order(fc.ref()).ReservationID})
}

// othersOrder takes all units, without paying.
func othersOrder(fc *faultCase) {
	fc.extraTaken = fc.extraStock + 1
	for i := range fc.extraTaken {
		order := orderCommand(fc.product)
		order.PaySeconds = 24 * 60 * 60
		fc.n.submit(fmt.Sprint(fc.otherUser(), i), fmt.Sprint(fc.otherUser(), i), order)
	}
}

// paysTwice makes a second payment, and an order on the same hold.
func paysTwice(fc *faultCase) {
	second := fakeportone.Payment{ImpUID: fc.impUID + "b", MerchantUID: fc.merchantUID + "b", Amount: seatPrice}
	_, err := fc.fake.Create(second)
	fc.noError(err)
	ref := second.ImpUID
	if fc.api == "v2" {
		ref = second.MerchantUID
	}
	fc.matrix.mu.Lock()
	fc.matrix.byEntity[ref] = fc
	fc.matrix.mu.Unlock()
	fc.secondRef = ref
	fc.n.submit(fc.user, ref, fc.orderCommand())
}

// refs are the payments' names of the user's orders.
func (fc *faultCase) refs() []string {
	if fc.secondRef == "" {
		return []string{fc.ref()}
	}
	return []string{fc.ref(), fc.secondRef}
}

// checkSeat verifies what must hold whatever happened: the seat is the user's exactly if an order is paid, and the coupon used exactly
// if the shop keeps something of it.
func (fc *faultCase) checkSeat(tb testing.TB) {
	var kept, refunded int64
	isPaid, isDiscrepant := false, false
	for _, ref := range fc.refs() {
		o := fc.n.order(ref)
		refunded += o.Refunded()
		switch o.Status {
		case orders.StatusPaid:
			isPaid, isDiscrepant, kept = true, o.Reason == orders.ReasonDiscrepant, kept+o.Amount
		case orders.StatusFailed, orders.StatusRefunded:
			kept += o.Kept
		default:
			tb.Errorf("%s: %s is %s at the end", fc, ref, o.Status)
		}
		if o.ResultEvent == 0 || len(fc.n.results(ref)) != 1 {
			tb.Errorf("%s: %s has the results %q", fc, ref, fc.n.results(ref))
		}
	}
	paid, back := fc.fake.Sums()
	if paid-back != kept && !isDiscrepant || back != refunded {
		tb.Errorf("%s: %d paid and %d refunded, but by the log %d kept and %d refunded", fc, paid, back, kept, refunded)
	}
	if seat := fc.n.seat(fc.user, fc.schedule); (seat == "RESERVED by the user") != isPaid {
		tb.Errorf("%s: the seat is %s", fc, seat)
	}
	if n := metric(tb, fc.worker, "onsale_payments_requests_total"); fc.noRequest && n > 0 {
		tb.Errorf("%s: %v requests", fc, n)
	}
	want := "ISSUED"
	if isPaid || kept > 0 {
		want = "USED"
	}
	if coupon := fc.n.coupon(fc.user); coupon != want {
		tb.Errorf("%s: the coupon is %s, want %s", fc, coupon, want)
	}
}

// seat is the state of a schedule's first seat.
func (n *node) seat(user, schedule string) (state string) {
	n.tb.Helper()
	err := n.Read(user, func(v *store.View) error {
		return v.Seats(schedule, func(s store.SeatView) error {
			if state == "" {
				state = string(s.Status)
				if s.Mine {
					state += " by the user"
				}
			}
			return nil
		})
	})
	if err != nil {
		n.tb.Fatal(err)
	}
	return state
}

// coupon is the status of the user's only coupon.
func (n *node) coupon(user string) (status string) {
	n.tb.Helper()
	err := n.Read(user, func(v *store.View) error {
		page, err := v.Coupons(0, 1)
		if err == nil && len(page.Items) == 1 {
			status = page.Items[0].Status.String()
		}
		return err
	})
	if err != nil {
		n.tb.Fatal(err)
	}
	return status
}
