// Redeeming and revoking a coupon. Both are possible while a promotion is paused, and after it closed.

package coupons

import "onsale/domain"

func (s *State) use(c domain.Command, body Use) []domain.Event {
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
	case coupon.Status == StatusInOrder:
		code = domain.CouponInOrder
	default:
		return domain.NewOutcome(c, Used{PromotionID: c.Entity, CouponID: CouponID(c.Entity, body.Number), Number: body.Number})
	}
	return domain.Reject(c, code, domain.Details{})
}

// revoke emits an event for the owner, and then the outcome for the admin. A used coupon can be revoked too.
func (s *State) revoke(c domain.Command, body Revoke) []domain.Event {
	coupon, ok := s.coupon(c.Entity, body.Number)
	code := ""
	switch {
	case !ok:
		code = domain.CouponNotFound
	case coupon.Status == StatusRevoked:
		code = domain.Revoked
	case coupon.Status == StatusInOrder: // what its order costs depends on it
		code = domain.CouponInOrder
	}
	if code != "" {
		return domain.Reject(c, code, domain.Details{})
	}
	id := CouponID(c.Entity, body.Number)
	revoked := domain.Event{Entity: c.Entity, User: coupon.Owner, Body: Revoked{
		PromotionID: c.Entity, CouponID: id, Number: body.Number, Returned: body.ReturnStock, Reason: body.Reason,
	}}
	return append([]domain.Event{revoked}, domain.NewOutcome(c, RevocationDone{
		PromotionID: c.Entity, CouponID: id, Number: body.Number, UserID: coupon.Owner, Returned: body.ReturnStock, Reason: body.Reason,
	})...)
}

// coupon returns the coupon of this promotion with this number; false when there is no such coupon or promotion.
func (s *State) coupon(promotion string, number int) (Coupon, bool) {
	p := s.promotions[promotion]
	if p == nil {
		return Coupon{}, false
	}
	return p.Coupon(number)
}
