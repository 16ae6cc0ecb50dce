// Cancelling an order: by an admin, or because its seats are given back or taken away.

package orders

import "onsale/domain"

// cancel emits an event for the order's user, and then the outcome for the admin. An order without a result will fail, once it
// is known what was paid and that it was refunded.
func (s *State) cancel(c domain.Command, body Cancel) []domain.Event {
	o := s.orders[c.Entity]
	switch {
	case o == nil:
		return domain.Reject(c, domain.OrderNotFound, domain.Details{})
	case !o.Status.reservesStock():
		return domain.Reject(c, domain.AlreadyCancelled, domain.Details{})
	}
	cancelled := Cancelled{
		PaymentID: o.PaymentID, ProductID: o.ProductID, HoldID: o.HoldID, UserID: o.User, Amount: o.Amount, Reason: body.Reason,
	}
	percent := 100
	if body.Percent != nil {
		if o.Status == StatusPaid {
			percent = *body.Percent
		}
		amount := o.RefundAmount(percent)
		cancelled.RefundAmount = &amount
	}
	due := s.endOrder(o, ReasonCancelledByAdmin, body.Reason, percent)
	return append([]domain.Event{due}, domain.NewOutcome(c, cancelled)...)
}

// RefundAmount returns so many percent of the order's amount, rounded down.
func (o *Order) RefundAmount(percent int) int64 { return o.Amount * int64(percent) / 100 }

// FollowSeatsLost returns what becomes of an order whose seats are given back, or taken away: percent of its amount is refunded. It
// returns false where the order has ended, or is about to.
func (s *State) FollowSeatsLost(paymentID, reason, note string, percent int) (domain.Event, bool) {
	o := s.orders[paymentID]
	if !o.Status.reservesStock() {
		return domain.Event{}, false
	}
	return s.endOrder(o, reason, note, percent), true
}

// endOrder returns the event that a paid order is refunded in part, or that one without a result is refunded if it was paid.
func (s *State) endOrder(o *Order, reason, note string, percent int) domain.Event {
	e := domain.Event{Entity: o.PaymentID, User: o.User, Body: RefundDue{PaymentID: o.PaymentID, Reason: reason, Note: note}}
	if o.Status == StatusPaid {
		e.Body = o.endPaid(reason, note, o.Amount-o.RefundAmount(percent))
	}
	return e
}
