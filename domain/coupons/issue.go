// One unit to one user, first come, first served.
package coupons

import "onsale/domain"

// issue checks in the order that all rules keep: exists, window, the user's limit, stock. So somebody who has a coupon
// hears that, and not that the rest is sold out.
func (s *State) issue(c domain.Command, now domain.Time) domain.Event {
	p := s.promotions[c.Entity]
	if p == nil {
		return domain.Reject(c, domain.PromotionNotFound, domain.Facts{})
	}
	if code, facts := p.shut(now); code != "" {
		return domain.Reject(c, code, facts)
	}
	if p.Paused {
		return domain.Reject(c, domain.Paused, domain.Facts{})
	}
	if code, facts := p.limit(c.User, 1); code != "" {
		return domain.Reject(c, code, facts)
	}
	if p.Remaining() == 0 {
		return domain.Reject(c, domain.SoldOut, domain.Facts{SoldOutSequence: p.SoldOutSequence, Offered: p.Offered})
	}
	number := p.IssuedEver + 1
	return domain.Outcome(c, Issued{PromotionID: c.Entity, CouponID: CouponID(c.Entity, number), Number: number})
}

// shut is why now lies outside of the window. Closed before it opened is closed: nobody shall wait for the opening.
func (p *Promotion) shut(now domain.Time) (code string, facts domain.Facts) {
	if closed, byClock := p.Closed(now); closed {
		return domain.Closed, domain.Facts{ClosesAt: byClock}
	}
	if now < p.OpensAt {
		seconds := (int64(p.OpensAt-now)-1)/1000 + 1
		return domain.NotOpen, domain.Facts{OpensAt: p.OpensAt, OpensInSeconds: seconds}
	}
	return "", facts
}

// limit is why the user cannot have so many more.
func (p *Promotion) limit(user string, more int) (code string, facts domain.Facts) {
	switch has := p.Holders[user]; {
	case int(has.Count)+more <= p.PerUserLimit:
		return "", facts
	case has.Only != 0:
		number := int(has.Only)
		return domain.AlreadyIssued, domain.Facts{CouponID: CouponID(p.PromotionID, number), Number: number}
	}
	return domain.UserLimitExceeded, domain.Facts{Limit: p.PerUserLimit}
}
