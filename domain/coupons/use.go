// Redeeming a coupon, and taking one away. Neither asks whether the promotion is open: this is not giving out.

package coupons

import "onsale/domain"

func (s *State) use(c domain.Command, body Use) domain.Event {
	coupon, ok := s.coupon(c.Entity, body.Number)
	code := ""
	switch {
	case !ok:
		code = domain.CouponNotFound
	case coupon.Owner != c.User:
		code = domain.NotOwner
	case coupon.Status == StatusRevoked:
		code = domain.Revoked
	case coupon.Status == StatusUsed:
		code = domain.AlreadyUsed
	default:
		return domain.NewOutcome(c, Used{PromotionID: c.Entity, CouponID: CouponID(c.Entity, body.Number), Number: body.Number})
	}
	return domain.Reject(c, code, domain.Details{})
}

// Check says which field of r has a wrong shape, as a *domain.FieldError.
func (r Revoke) Check() error { return checkReason(r.Reason) }

// revoke tells two: the owner what happened to them, and then the shop that it was done. A used coupon can be revoked too.
func (s *State) revoke(c domain.Command, body Revoke) []domain.Event {
	coupon, ok := s.coupon(c.Entity, body.Number)
	code := ""
	switch {
	case body.Check() != nil:
		code = domain.InvalidBody
	case !ok:
		code = domain.CouponNotFound
	case coupon.Status == StatusRevoked:
		code = domain.Revoked
	}
	if code != "" {
		return []domain.Event{domain.Reject(c, code, domain.Details{})}
	}
	id := CouponID(c.Entity, body.Number)
	return []domain.Event{
		{Entity: c.Entity, User: coupon.Owner, Body: Revoked{
			PromotionID: c.Entity, CouponID: id, Number: body.Number, Returned: body.ReturnStock, Reason: body.Reason,
		}},
		domain.NewOutcome(c, RevocationDone{
			PromotionID: c.Entity, CouponID: id, Number: body.Number, UserID: coupon.Owner,
			Returned: body.ReturnStock, Reason: body.Reason,
		}),
	}
}

// coupon is the one of this promotion with this number; false when there is none, or no such promotion.
func (s *State) coupon(promotion string, number int) (Coupon, bool) {
	p := s.promotions[promotion]
	if p == nil {
		return Coupon{}, false
	}
	return p.Coupon(number)
}
