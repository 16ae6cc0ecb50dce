// Preparing a payment, placing an order, and cancelling it. What a hold and a coupon make of an order is not known here: the state
// machine asks their packages and passes it on as a Quote.

package orders

import (
	"cmp"
	"fmt"
	"time"

	"onsale/domain"
)

// Quote is what an order would buy and cost. Code is the first rule that refuses it on the side of the hold, or else of the coupon.
type Quote struct {
	Purchase
	HoldEnds   domain.Time // of an order on a hold
	Late       bool
	PaymentDue domain.Time // of a prepared payment
	Code       string
	Details    domain.Details
}

// PurchaseOf returns what count units of a product cost without a coupon.
func (s *State) PurchaseOf(productID string, count int) Purchase {
	purchase := Purchase{ProductID: productID, Count: count}
	if p := s.products[productID]; p != nil && count >= 1 && count <= MaxCount {
		purchase.Amount = p.Price * int64(count)
	}
	return purchase
}

// Prepare takes no units and binds no coupon, the order does. But a user should not pay for units that are not there.
func (s *State) Prepare(c domain.Command, body Prepare, o Quote) []domain.Event {
	if body.Terms != nil && body.Terms.invalid() {
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	if body.HoldID == "" {
		if code, details := s.checkProduct(c.Entity, body.Count, true); code != "" {
			return domain.Reject(c, code, details)
		}
	}
	if s.hasTooManyOpen(c.User, body.MaxOpenOrders) {
		return domain.Reject(c, domain.TooManyOpenOrders, domain.Details{Limit: body.MaxOpenOrders})
	}
	if code, details := s.checkQuote(c.User, o); code != "" {
		return domain.Reject(c, code, details)
	}
	if o.Late { // nobody should pay for seats that were lost already
		return domain.Reject(c, domain.HoldExpired, domain.Details{ExpiredAt: o.HoldEnds})
	}
	// A provider accepts a merchant_uid only once, also after this log was deleted and started again: so it has a part of the request id.
	uid := fmt.Sprintf("m%d-%s", c.Sequence, c.Request[:8])
	return domain.NewOutcome(c, Prepared{MerchantUID: uid, Purchase: o.Purchase, PaymentDue: o.PaymentDue, Terms: body.Terms})
}

// checkProduct returns the code that refuses units of a product, whoever wants them: of a preparation for a closed product too.
func (s *State) checkProduct(productID string, count int, closed bool) (code string, details domain.Details) {
	p := s.products[productID]
	switch {
	case count < 1 || count > MaxCount:
		return domain.InvalidCount, domain.Details{Limit: MaxCount}
	case p == nil:
		return domain.ProductNotFound, details
	case closed && p.ClosedAt != 0:
		return domain.ProductClosed, details
	}
	return "", details
}

// checkQuote returns the code that refuses what the user wants to buy: the user's limit and the units of a product, or what the hold
// says; then what the coupon says.
func (s *State) checkQuote(user string, o Quote) (code string, details domain.Details) {
	if p := s.products[o.ProductID]; p != nil {
		switch {
		case p.exceedsLimit(user, o.Count):
			return domain.UserLimitExceeded, domain.Details{Limit: p.PerUserLimit}
		case p.Remaining() < o.Count:
			return domain.SoldOut, p.soldOutDetails()
		}
	}
	return o.Code, o.Details
}

// Place takes units or seats. A command that is wrong in itself is only rejected. A user who may have paid in good faith gets a refund:
// the rejected order is kept. With too many open orders it is not, and that is checked before all for which it would be: payments that
// a user makes up would otherwise be looked up without limit. The same payment can be used again once another order has its
// result. A payment that already has an order belongs to that order, unless it failed because the payment was
// prepared for the user who orders now.
func (s *State) Place(c domain.Command, body Place, o Quote, now domain.Time) []domain.Event {
	if body.invalid() {
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	if body.HoldID == "" {
		if code, details := s.checkProduct(body.ProductID, body.Count, false); code != "" {
			return domain.Reject(c, code, details)
		}
	}
	if c.Entity == NoPayment && body.Amount == 0 && o.Amount == 0 {
		c.Entity = fmt.Sprintf("%s-%d", NoPayment, c.Sequence)
	}
	existing := s.orders[c.Entity]
	switch {
	case existing != nil && existing.isAwaiting(c.User, body):
		if existing.Rejected {
			return domain.Reject(c, existing.Reason, domain.Details{})
		}
		return domain.NewOutcome(c, Confirmed{PaymentID: c.Entity, Status: existing.Status})
	case existing != nil && !s.mayReplace(existing, c.User):
		return domain.Reject(c, domain.PaymentAlreadyUsed, domain.Details{})
	case body.Amount < 0 || body.Amount == 0 && o.Amount > 0 && o.Code == "": // no payment has such an amount
		return domain.Reject(c, domain.AmountMismatch, domain.Details{Expected: o.Amount})
	case s.hasTooManyOpen(c.User, body.MaxOpenOrders):
		return domain.Reject(c, domain.TooManyOpenOrders, domain.Details{Limit: body.MaxOpenOrders})
	}
	return s.placeQuote(c, body, o, now)
}

// placeQuote places an order that is not wrong in itself.
func (s *State) placeQuote(c domain.Command, body Place, o Quote, now domain.Time) []domain.Event {
	placed := Placed{
		PaymentID: c.Entity, Purchase: o.Purchase, PaymentDue: o.paymentDue(body.Terms, now), Late: o.Late, Terms: body.Terms,
	}
	reject := func(code string, details domain.Details) []domain.Event {
		rejection := domain.Reject(c, code, details)
		if body.Amount == 0 { // nothing was paid
			return rejection
		}
		placed.Late = false
		if placed.Amount == 0 { // the hold does not exist, or a coupon pays for all: what is refunded is what was paid
			placed.Amount, placed.Discount = body.Amount, 0
		}
		kept := domain.Event{Entity: c.Entity, User: c.User, Body: RejectedPaid{Placement: Placement(placed), Reason: code}}
		return append([]domain.Event{kept}, rejection...)
	}
	if p := s.products[o.ProductID]; p != nil && p.ClosedAt != 0 {
		return reject(domain.ProductClosed, domain.Details{})
	}
	// The amount comes before limits and units, but after what a hold says: without it there is no right amount.
	holdCode := ""
	if o.HoldID != "" {
		holdCode = o.Code
	}
	switch {
	case holdCode == "" && o.Code == "" && body.Amount != o.Amount:
		return reject(domain.AmountMismatch, domain.Details{Expected: o.Amount})
	case o.Code == "" && o.Amount == 0 && !IsReserved(c.Entity):
		return reject(domain.PaymentNotRequired, domain.Details{})
	}
	if code, details := s.checkQuote(c.User, o); code != "" {
		return reject(code, details)
	}
	return domain.NewOutcome(c, placed)
}

// paymentDue returns when an order at now fails if it is not paid. A hold waits for its payment to its own end, but an order waits
// at least as long as for a payment that the provider does not know: it may be a moment behind.
func (o Quote) paymentDue(t Terms, now domain.Time) domain.Time {
	due := now.Add(t.PayWithin())
	if o.HoldID == "" {
		return due
	}
	missing := t.PaySeconds
	if t.MissingSeconds != 0 {
		missing = min(missing, t.MissingSeconds)
	}
	return max(min(due, o.HoldEnds), now.Add(time.Duration(missing)*time.Second))
}

// PlacePrepared places the order of a preparation for its user; no events where the payment has an order, unless that is of another user
// and failed.
func (s *State) PlacePrepared(c domain.Command, body PlacePrepared, o Quote, now domain.Time) []domain.Event {
	p := s.prepared[body.MerchantUID]
	if p == nil || p.isOrdered() || p.Terms == nil || IsReserved(c.Entity) {
		return nil
	}
	if existing := s.orders[c.Entity]; existing != nil && !s.mayReplace(existing, p.User) {
		return nil
	}
	c.User = p.User
	events := s.placeQuote(c, Place{
		ProductID: p.ProductID, Count: p.Count, HoldID: p.HoldID, CouponID: p.CouponID, Amount: p.Amount, Terms: *p.Terms,
	}, o, now)
	placed := events[0] // what follows answers nobody
	switch b := placed.Body.(type) {
	case Placed:
		b.MerchantUID = p.MerchantUID
		placed.Body = b
	case RejectedPaid:
		b.MerchantUID = p.MerchantUID
		placed.Body = b
	default:
		return nil
	}
	return []domain.Event{placed}
}

// isAwaiting says whether onsale has placed the order for this user, who sends it now for the first time.
func (o *Order) isAwaiting(user string, body Place) bool {
	return o.User == user && o.MerchantUID != "" && !o.Confirmed && o.ProductID == body.ProductID && o.Count == body.Count &&
		o.HoldID == body.HoldID && o.CouponID == body.CouponID && o.Amount == body.Amount
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

// entity returns the entity of the preparation's events.
func (p *Preparation) entity() string { return cmp.Or(p.ProductID, p.HoldID) }
