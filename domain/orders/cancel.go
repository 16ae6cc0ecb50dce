// The shop takes an order back.
package orders

import "onsale/domain"

// cancel tells the order's user, and then answers who asked. Of an order that is not decided nobody knows yet what was
// paid; it has no verdict, and failure will be it.
func (s *State) cancel(c domain.Command, body Cancel) []domain.Event {
	o := s.orders[c.Entity]
	switch {
	case body.Check() != nil:
		return []domain.Event{domain.Reject(c, domain.InvalidBody, domain.Facts{})}
	case o == nil:
		return []domain.Event{domain.Reject(c, domain.OrderNotFound, domain.Facts{})}
	case !o.Status.takes():
		return []domain.Event{domain.Reject(c, domain.AlreadyCancelled, domain.Facts{})}
	}
	due := RefundDue{ImpUID: o.ImpUID, Reason: ReasonShop, Note: body.Reason}
	if o.Status == Paid {
		due.Payment = o.Payment
	}
	return []domain.Event{
		{Entity: c.Entity, User: o.User, Body: due},
		domain.Outcome(c, Cancelled{ImpUID: o.ImpUID, SalePostID: o.SalePostID, UserID: o.User, Amount: o.Amount, Reason: body.Reason}),
	}
}
