// Invariants between orders, seats and coupons, of the whole state: each hold, reservation and coupon that an order has is the
// order's alone, and no money is kept without seats or units.

package machine_test

import (
	"fmt"
	"slices"

	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// checkPurchases proves what holds after the last event of a command.
func checkPurchases(m *machine.Machine) error {
	ofHold, ofCoupon := map[string]string{}, map[string]string{} // orders without a result, and those whose coupon is used
	for _, id := range m.Orders.Orders() {
		o := m.Orders.Order(id)
		open := o.ResultEvent == 0 && !o.Rejected
		if o.HoldID != "" && open {
			if other := ofHold[o.HoldID]; other != "" {
				return fmt.Errorf("hold %s is in the orders %s and %s", o.HoldID, other, id)
			}
			ofHold[o.HoldID] = id
		}
		if o.CouponID != "" && (open || o.CouponUsed) {
			if other := ofCoupon[o.CouponID]; other != "" {
				return fmt.Errorf("coupon %s is in the orders %s and %s", o.CouponID, other, id)
			}
			ofCoupon[o.CouponID] = id
		}
		if err := checkMoney(o); err != nil {
			return fmt.Errorf("order %s: %w: %+v", id, err, *o)
		}
	}
	for _, id := range m.Seats.IDs() {
		sc := m.Seats.Schedule(id)
		for sequence, h := range sc.Allocations() {
			holdID := seats.HoldID(sequence)
			if h.Offer || h.PaymentID == "" {
				continue
			}
			o := m.Orders.Order(h.PaymentID)
			if o == nil || ofHold[holdID] != h.PaymentID || o.User != h.User || o.ScheduleID != id || !slices.Equal(o.ScheduleSeatIDs, h.ScheduleSeatIDs) ||
				sc.Payment != seats.PaymentRequired {
				return fmt.Errorf("hold %s is %+v, its order %+v", holdID, h, o)
			}
			delete(ofHold, holdID)
		}
		for sequence, r := range sc.Reservations() {
			if (r.PaymentID != "") != (sc.Payment == seats.PaymentRequired) {
				return fmt.Errorf("reservation %d of %s is %+v", sequence, id, r)
			}
			if r.PaymentID == "" {
				continue
			}
			o := m.Orders.Order(r.PaymentID)
			if o == nil || o.ReservationID != seats.ReservationID(id, sequence) || r.Cancelled == (o.Status == orders.StatusPaid) ||
				!r.Cancelled && !slices.Equal(o.ScheduleSeatIDs, r.ScheduleSeatIDs) {
				return fmt.Errorf("reservation %d of %s is %+v, its order %+v", sequence, id, r, o)
			}
		}
	}
	for holdID, id := range ofHold { // its seats were taken away, and it will be refunded
		if o := m.Orders.Order(id); o.Status != orders.StatusRefunding {
			return fmt.Errorf("order %+v has lost its hold %s", *o, holdID)
		}
	}
	return checkCoupons(m, ofCoupon)
}

// checkMoney proves that an order that ended has nothing left to refund but what is kept, and that nothing is kept of one that failed.
// The provider may say something else since, which an admin has to look at.
func checkMoney(o *orders.Order) error {
	paid := o.Payment != nil && o.Payment.State == orders.PaymentPaid
	foreign := o.Reason == orders.ReasonOtherUser || o.Reason == orders.ReasonNotPrepared
	switch {
	case o.Kept < 0 || o.Kept > 0 && o.Kept > max(o.Amount, o.Payment.Amount):
		return fmt.Errorf("keeps %d", o.Kept)
	case o.Kept > 0 && o.Status != orders.StatusRefunding && o.Status != orders.StatusRefunded:
		return fmt.Errorf("keeps %d while it is %s", o.Kept, o.Status)
	case o.Status == orders.StatusFailed && paid && !foreign && o.LastEvent == o.ResultEvent:
		return fmt.Errorf("failed with %d left", o.Payment.Refundable())
	}
	return nil
}

// checkCoupons proves that a coupon is IN_ORDER exactly if an order without a result has it, and USED if an order used it.
func checkCoupons(m *machine.Machine, ofCoupon map[string]string) error {
	for _, promotion := range m.Coupons.IDs() {
		p := m.Coupons.Promotion(promotion)
		for number := 1; number <= p.IssuedEver; number++ {
			c, _ := p.Coupon(number)
			id := coupons.CouponID(promotion, number)
			o := m.Orders.Order(ofCoupon[id])
			want := c.Status
			switch {
			case o != nil && o.ResultEvent == 0:
				want = coupons.StatusInOrder
			case o != nil && c.Status != coupons.StatusRevoked:
				want = coupons.StatusUsed
			case c.Status == coupons.StatusInOrder:
				want = coupons.StatusIssued
			}
			if c.Status != want || o != nil && o.User != c.Owner {
				return fmt.Errorf("coupon %s of %s is %s, but its order is %+v", id, c.Owner, c.Status, o)
			}
			delete(ofCoupon, id)
		}
	}
	if len(ofCoupon) > 0 {
		return fmt.Errorf("unknown coupons have orders: %v", ofCoupon)
	}
	return nil
}
