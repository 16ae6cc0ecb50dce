// What must hold between the kinds once all events of a command are applied: an order, its seats and its coupon fit together.

package machine

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// CheckCommand returns what is wrong with the orders that the events of one command touched, after all of them were applied.
func (m *Machine) CheckCommand(events []domain.Event) error {
	for _, e := range events {
		o := m.Orders.Order(PaymentOf(e))
		if o == nil {
			continue
		}
		if err := m.checkOrder(o); err != nil {
			return fmt.Errorf("order %s, which is %s, after event %d: %w", o.PaymentID, o.Status, events[len(events)-1].Number, err)
		}
	}
	return nil
}

// PaymentOf returns the imp_uid of the order that e changes, or that changes what e is about; "" for none.
func PaymentOf(e domain.Event) string {
	switch b := e.Body.(type) {
	case domain.Rejection:
		return ""
	case seats.Ordered:
		return b.PaymentID
	case seats.OrderFailed:
		return b.PaymentID
	case seats.Reserved:
		return b.PaymentID
	case seats.Cancelled:
		return b.PaymentID
	case seats.Released:
		return b.PaymentID
	case coupons.Bound:
		return b.PaymentID
	case coupons.Used:
		return b.PaymentID
	case coupons.GivenBack:
		return b.PaymentID
	}
	if name, _ := e.Body.Type(); domain.Kind(name) == "orders" {
		return e.Entity
	}
	return ""
}

// checkOrder returns what is wrong between an order, its hold or reservation, and its coupon.
func (m *Machine) checkOrder(o *orders.Order) error {
	open := o.ResultEvent == 0 && !o.Rejected
	if o.HoldID != "" && !(o.Rejected && o.ScheduleID == "") {
		sc := m.Seats.Schedule(o.ScheduleID)
		if sc == nil {
			return fmt.Errorf("there is no schedule %q", o.ScheduleID)
		}
		hold, _ := sc.Allocation(seats.HoldSequence(o.HoldID))
		switch hasHold := hold.PaymentID == o.PaymentID; {
		case hasHold && !open:
			return fmt.Errorf("it still has the hold %s", o.HoldID)
		case !hasHold && open && o.Status != orders.StatusRefunding: // its seats may have been taken away
			return fmt.Errorf("it has lost the hold %s", o.HoldID)
		}
		if o.ReservationID != "" || o.Status == orders.StatusPaid {
			r, ok := sc.Reservation(seats.ReservationSequence(o.ScheduleID, o.ReservationID))
			if !ok || r.PaymentID != o.PaymentID || r.User != o.User || r.Cancelled == (o.Status == orders.StatusPaid) {
				return fmt.Errorf("its reservation %q is %+v", o.ReservationID, r)
			}
		}
	}
	if o.CouponID == "" || o.Rejected {
		return nil
	}
	promotion, number := coupons.ParseCouponID(o.CouponID)
	p := m.Coupons.Promotion(promotion)
	if p == nil {
		return fmt.Errorf("there is no coupon %s", o.CouponID)
	}
	switch c, _ := p.Coupon(number); {
	case open && c.Status != coupons.StatusInOrder,
		o.CouponUsed && c.Status != coupons.StatusUsed && c.Status != coupons.StatusRevoked,
		o.Status == orders.StatusPaid && !o.CouponUsed:
		return fmt.Errorf("its coupon %s is %s", o.CouponID, c.Status)
	}
	return nil
}
