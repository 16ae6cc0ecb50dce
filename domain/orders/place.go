// Placing an order, and preparing its payment.

package orders

import (
	"fmt"
	"time"

	"onsale/domain"
)

// prepare takes no units: they are taken by the order. But nobody should pay for what is not there.
func (s *State) prepare(c domain.Command, body Prepare) domain.Event {
	p := s.products[c.Entity]
	switch {
	case body.Count < 1 || body.Count > MaxCount:
		return domain.Reject(c, domain.InvalidCount, domain.Details{Limit: MaxCount})
	case p == nil:
		return domain.Reject(c, domain.ProductNotFound, domain.Details{})
	case p.ClosedAt != 0:
		return domain.Reject(c, domain.ProductClosed, domain.Details{})
	case p.Remaining() < body.Count:
		return domain.Reject(c, domain.SoldOut, p.soldOutDetails())
	}
	// Providers take a merchant_uid once in their life, which is longer than that of a log that somebody throws away.
	uid := fmt.Sprintf("m%d-%s", c.Sequence, c.Request[:8])
	return domain.NewOutcome(c, Prepared{MerchantUID: uid, ProductID: c.Entity, Count: body.Count, Amount: p.Price * int64(body.Count)})
}

// place takes units. Who is refused because of what they want is only refused; who may have paid in good faith gets
// their money back: their order is kept. A payment that has an order is nobody else's, so nothing is done about it, unless
// that order was told that it was prepared for the user who asks now.
func (s *State) place(c domain.Command, body Place, now domain.Time) []domain.Event {
	p, existing := s.products[body.ProductID], s.orders[c.Entity]
	reject := func(code string, details domain.Details) []domain.Event {
		return []domain.Event{domain.Reject(c, code, details)}
	}
	switch {
	case body.invalid():
		return reject(domain.InvalidBody, domain.Details{})
	case body.Count < 1 || body.Count > MaxCount:
		return reject(domain.InvalidCount, domain.Details{Limit: MaxCount})
	case p == nil:
		return reject(domain.ProductNotFound, domain.Details{})
	case existing != nil && !s.mayReplace(existing, c.User):
		return reject(domain.PaymentAlreadyUsed, domain.Details{})
	}
	placed := Placed{
		PaymentID: c.Entity, ProductID: body.ProductID, Count: body.Count, Amount: p.Price * int64(body.Count),
		PaymentDue: now.Add(time.Duration(body.PaySeconds) * time.Second), Terms: body.Terms,
	}
	rejectPaid := func(code string, details domain.Details) []domain.Event {
		event := domain.Event{Entity: c.Entity, User: c.User, Body: RejectedPaid{Placement: Placement(placed), Reason: code}}
		return []domain.Event{event, domain.Reject(c, code, details)}
	}
	switch {
	case body.Amount <= 0: // nobody can have paid that
		return reject(domain.AmountMismatch, domain.Details{Expected: placed.Amount})
	case p.ClosedAt != 0:
		return rejectPaid(domain.ProductClosed, domain.Details{})
	case body.Amount != placed.Amount:
		return rejectPaid(domain.AmountMismatch, domain.Details{Expected: placed.Amount})
	case p.Remaining() < body.Count:
		return rejectPaid(domain.SoldOut, p.soldOutDetails())
	}
	return []domain.Event{domain.NewOutcome(c, placed)}
}

// mayReplace says that an order failed, and that its payment was prepared for this other user.
func (s *State) mayReplace(o *Order, user string) bool {
	if o.Status != StatusFailed || o.User == user {
		return false
	}
	prepared := s.prepared[o.Payment.MerchantUID]
	return prepared != nil && prepared.User == user
}

func (p *Product) soldOutDetails() domain.Details {
	remaining := p.Remaining()
	return domain.Details{SoldOutSequence: p.SoldOutSequence, Available: &remaining}
}
