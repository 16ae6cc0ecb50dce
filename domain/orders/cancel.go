// The shop takes an order back.

package orders

import "onsale/domain"

// cancel tells the order's user, and then answers who asked. Of an order that is not decided nobody knows yet what was
// paid; it has no verdict, and failure will be it.
func (s *State) cancel(c domain.Command, body Cancel) []domain.Event {
	o := s.orders[c.Entity]
	switch {
	case body.Check() != nil:
		return []domain.Event{domain.Reject(c, domain.InvalidBody, domain.Details{})}
	case o == nil:
		return []domain.Event{domain.Reject(c, domain.OrderNotFound, domain.Details{})}
	case !o.Status.reservesStock():
		return []domain.Event{domain.Reject(c, domain.AlreadyCancelled, domain.Details{})}
	}
	due := RefundDue{PaymentID: o.PaymentID, Reason: ReasonCancelledByAdmin, Note: body.Reason}
	if o.Status == StatusPaid {
		due.Payment = o.Payment
	}
	return []domain.Event{
		{Entity: c.Entity, User: o.User, Body: due},
		domain.NewOutcome(c, Cancelled{PaymentID: o.PaymentID, ProductID: o.ProductID, UserID: o.User, Amount: o.Amount, Reason: body.Reason}),
	}
}
