// Issuing a coupon: one unit to one user, in the order of the commands.

package coupons

import "onsale/domain"

// issue checks the user's limit before the stock: a user who has a coupon gets already_issued also when the rest is sold out.
func (s *State) issue(c domain.Command, now domain.Time) []domain.Event {
	p := s.promotions[c.Entity]
	if p == nil {
		return domain.Reject(c, domain.PromotionNotFound, domain.Details{})
	}
	if code, details := p.checkWindow(now); code != "" {
		return domain.Reject(c, code, details)
	}
	if p.Paused {
		return domain.Reject(c, domain.Paused, domain.Details{})
	}
	if code, details := p.checkUserLimit(c.User, 1); code != "" {
		return domain.Reject(c, code, details)
	}
	if p.Remaining() == 0 {
		return domain.Reject(c, domain.SoldOut, domain.Details{SoldOutSequence: p.SoldOutSequence, Offered: p.Offered})
	}
	number := p.IssuedEver + 1
	return domain.NewOutcome(c, Issued{PromotionID: c.Entity, CouponID: CouponID(c.Entity, number), Number: number})
}

// checkWindow returns the code that rejects a command outside of opensAt to closesAt. A promotion that was closed before it
// opened is closed: no client should wait for the opening.
func (p *Promotion) checkWindow(now domain.Time) (code string, details domain.Details) {
	if closed, closesAt := p.Closed(now); closed {
		return domain.Closed, domain.Details{ClosesAt: closesAt}
	}
	if now < p.OpensAt {
		seconds := (int64(p.OpensAt-now)-1)/1000 + 1
		return domain.NotOpen, domain.Details{OpensAt: p.OpensAt, OpensInSeconds: seconds}
	}
	return "", details
}

// checkUserLimit returns the code that rejects quantity more coupons for the user.
func (p *Promotion) checkUserLimit(user string, quantity int) (code string, details domain.Details) {
	switch held := p.issued.of(user, p.PerUserLimit); {
	case int(held.Count)+quantity <= p.PerUserLimit:
		return "", details
	case held.Number != 0:
		number := int(held.Number)
		return domain.AlreadyIssued, domain.Details{CouponID: CouponID(p.PromotionID, number), Number: number}
	}
	return domain.UserLimitExceeded, domain.Details{Limit: p.PerUserLimit}
}
