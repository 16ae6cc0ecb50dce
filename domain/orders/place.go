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
		return domain.Reject(c, domain.InvalidCount, domain.Facts{Limit: MaxCount})
	case p == nil:
		return domain.Reject(c, domain.ProductNotFound, domain.Facts{})
	case p.ClosedAt != 0:
		return domain.Reject(c, domain.ProductClosed, domain.Facts{})
	case p.Remaining() < body.Count:
		return domain.Reject(c, domain.SoldOut, p.soldOut())
	}
	// Providers take a merchant_uid once in their life, which is longer than that of a log that somebody throws away.
	uid := fmt.Sprintf("m%d-%s", c.Sequence, c.Request[:8])
	return domain.Outcome(c, Prepared{MerchantUID: uid, SalePostID: c.Entity, Count: body.Count, Amount: p.Price * int64(body.Count)})
}

// place takes units. Who is refused because of what they want is only refused; who may have paid in good faith gets
// their money back: their order is kept. A payment that has an order is nobody else's, so nothing is done about it, unless
// that order was told that it was prepared for the user who asks now.
func (s *State) place(c domain.Command, body Place, now domain.Time) []domain.Event {
	p, first := s.products[body.SalePostID], s.orders[c.Entity]
	refuse := func(code string, facts domain.Facts) []domain.Event {
		return []domain.Event{domain.Reject(c, code, facts)}
	}
	switch {
	case body.wrong():
		return refuse(domain.InvalidBody, domain.Facts{})
	case body.Count < 1 || body.Count > MaxCount:
		return refuse(domain.InvalidCount, domain.Facts{Limit: MaxCount})
	case p == nil:
		return refuse(domain.ProductNotFound, domain.Facts{})
	case first != nil && !s.rightful(first, c.User):
		return refuse(domain.PaymentAlreadyUsed, domain.Facts{})
	}
	placed := Placed{
		ImpUID: c.Entity, SalePostID: body.SalePostID, Count: body.Count, Amount: p.Price * int64(body.Count),
		PayBy: now.Add(time.Duration(body.PaySeconds) * time.Second), Terms: body.Terms,
	}
	keep := func(code string, facts domain.Facts) []domain.Event {
		kept := domain.Event{Entity: c.Entity, User: c.User, Body: Kept{Placed: placed, Reason: code}}
		return []domain.Event{kept, domain.Reject(c, code, facts)}
	}
	switch {
	case body.Amount <= 0: // nobody can have paid that
		return refuse(domain.AmountMismatch, domain.Facts{Expected: placed.Amount})
	case p.ClosedAt != 0:
		return keep(domain.ProductClosed, domain.Facts{})
	case body.Amount != placed.Amount:
		return keep(domain.AmountMismatch, domain.Facts{Expected: placed.Amount})
	case p.Remaining() < body.Count:
		return keep(domain.SoldOut, p.soldOut())
	}
	return []domain.Event{domain.Outcome(c, placed)}
}

// rightful says that an order failed, and that its payment was prepared for this other user.
func (s *State) rightful(o *Order, user string) bool {
	if o.Status != Failed || o.User == user {
		return false
	}
	prepared := s.prepared[o.Payment.MerchantUID]
	return prepared != nil && prepared.User == user
}

func (p *Product) soldOut() domain.Facts {
	left := p.Remaining()
	return domain.Facts{SoldOutSequence: p.SoldOutSequence, Available: &left}
}
