// Preparing a payment, placing an order, and cancelling it.

package orders

import (
	"fmt"
	"time"

	"onsale/domain"
)

// prepare takes no units, the order does. But a user should not pay for units that are not there.
func (s *State) prepare(c domain.Command, body Prepare) []domain.Event {
	p := s.products[c.Entity]
	switch {
	case body.Count < 1 || body.Count > MaxCount:
		return domain.Reject(c, domain.InvalidCount, domain.Details{Limit: MaxCount})
	case p == nil:
		return domain.Reject(c, domain.ProductNotFound, domain.Details{})
	case p.ClosedAt != 0:
		return domain.Reject(c, domain.ProductClosed, domain.Details{})
	case s.hasTooManyOpen(c.User, body.MaxOpenOrders):
		return domain.Reject(c, domain.TooManyOpenOrders, domain.Details{Limit: body.MaxOpenOrders})
	case p.exceedsLimit(c.User, body.Count):
		return domain.Reject(c, domain.UserLimitExceeded, domain.Details{Limit: p.PerUserLimit})
	case p.Remaining() < body.Count:
		return domain.Reject(c, domain.SoldOut, p.soldOutDetails())
	}
	// A provider accepts a merchant_uid only once, also after this log was deleted and started again: so it has a part of the request id.
	uid := fmt.Sprintf("m%d-%s", c.Sequence, c.Request[:8])
	return domain.NewOutcome(c, Prepared{MerchantUID: uid, ProductID: c.Entity, Count: body.Count, Amount: p.Price * int64(body.Count)})
}

// place takes units. A command that is wrong in itself is only rejected. A user who may have paid in good faith gets a refund: the
// rejected order is kept. With too many open orders it is not, and that is checked before all for which it would be: payments that
// a user makes up would otherwise be looked up without limit. The same payment can be used again once another order has its
// result. A payment that already has an order belongs to that order, unless it failed because the payment was
// prepared for the user who orders now.
func (s *State) place(c domain.Command, body Place, now domain.Time) []domain.Event {
	p, existing := s.products[body.ProductID], s.orders[c.Entity]
	switch {
	case body.invalid():
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	case body.Count < 1 || body.Count > MaxCount:
		return domain.Reject(c, domain.InvalidCount, domain.Details{Limit: MaxCount})
	case p == nil:
		return domain.Reject(c, domain.ProductNotFound, domain.Details{})
	case existing != nil && !s.mayReplace(existing, c.User):
		return domain.Reject(c, domain.PaymentAlreadyUsed, domain.Details{})
	}
	placed := Placed{
		PaymentID: c.Entity, ProductID: body.ProductID, Count: body.Count, Amount: p.Price * int64(body.Count),
		PaymentDue: now.Add(time.Duration(body.PaySeconds) * time.Second), Terms: body.Terms,
	}
	rejectPaid := func(code string, details domain.Details) []domain.Event {
		event := domain.Event{Entity: c.Entity, User: c.User, Body: RejectedPaid{Placement: Placement(placed), Reason: code}}
		return append([]domain.Event{event}, domain.Reject(c, code, details)...)
	}
	switch {
	case body.Amount <= 0: // no payment has such an amount
		return domain.Reject(c, domain.AmountMismatch, domain.Details{Expected: placed.Amount})
	case s.hasTooManyOpen(c.User, body.MaxOpenOrders):
		return domain.Reject(c, domain.TooManyOpenOrders, domain.Details{Limit: body.MaxOpenOrders})
	case p.ClosedAt != 0:
		return rejectPaid(domain.ProductClosed, domain.Details{})
	case body.Amount != placed.Amount:
		return rejectPaid(domain.AmountMismatch, domain.Details{Expected: placed.Amount})
	case p.exceedsLimit(c.User, body.Count):
		return rejectPaid(domain.UserLimitExceeded, domain.Details{Limit: p.PerUserLimit})
	case p.Remaining() < body.Count:
		return rejectPaid(domain.SoldOut, p.soldOutDetails())
	}
	return domain.NewOutcome(c, placed)
}

// mayReplace says whether order o failed and its payment was prepared for this other user.
func (s *State) mayReplace(o *Order, user string) bool {
	if o.Status != StatusFailed || o.User == user {
		return false
	}
	prepared := s.prepared[o.Payment.MerchantUID]
	return prepared != nil && prepared.User == user
}

// hasTooManyOpen says whether the user has as many orders without a result as limit allows; 0 allows any number.
func (s *State) hasTooManyOpen(user string, limit int) bool {
	return limit > 0 && s.open[user] >= limit
}

func (p *Product) soldOutDetails() domain.Details {
	remaining := p.Remaining()
	return domain.Details{SoldOutSequence: p.SoldOutSequence, Available: &remaining}
}

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
	due := RefundDue{PaymentID: o.PaymentID, Reason: ReasonCancelledByAdmin, Note: body.Reason}
	if o.Status == StatusPaid {
		due.Payment = o.Payment
	}
	return append([]domain.Event{{Entity: c.Entity, User: o.User, Body: due}}, domain.NewOutcome(c, Cancelled{
		PaymentID: o.PaymentID, ProductID: o.ProductID, UserID: o.User, Amount: o.Amount, Reason: body.Reason,
	})...)
}
