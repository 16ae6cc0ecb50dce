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
	if now < p.OpensAt {
		return domain.Reject(c, domain.NotOpen, domain.Facts{OpensAt: p.OpensAt})
	}
	if p.ClosesAt != 0 && now >= p.ClosesAt {
		return domain.Reject(c, domain.Closed, domain.Facts{ClosesAt: p.ClosesAt})
	}
	if has := p.Holders[c.User]; has.Count >= int32(p.PerUserLimit) {
		if p.PerUserLimit == 1 {
			return domain.Reject(c, domain.AlreadyIssued, domain.Facts{CouponID: CouponID(c.Entity, int(has.First))})
		}
		return domain.Reject(c, domain.UserLimitExceeded, domain.Facts{Limit: p.PerUserLimit})
	}
	if p.Remaining() == 0 {
		return domain.Reject(c, domain.SoldOut, domain.Facts{SoldOutSequence: p.SoldOutSequence})
	}
	number := p.Issued + 1
	return domain.Outcome(c, Issued{PromotionID: c.Entity, CouponID: CouponID(c.Entity, number), Number: number})
}
