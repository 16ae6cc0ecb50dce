// What must hold of a promotion after every event.

package coupons

import (
	"fmt"

	"onsale/domain"
)

// CheckInvariants says how the promotion that e, just made so, belongs to contradicts itself: Stock = Remaining + Offered + IssuedEver
// - Returned with nothing below zero, every number is somebody's coupon, and the last number is the last that was told.
func (s *State) CheckInvariants(e domain.Event) error {
	p := s.promotions[e.Entity]
	if p == nil {
		return nil
	}
	last := p.IssuedEver
	if body, ok := e.Body.(Changer); ok {
		for number, status := range body.CouponChanges() {
			if status == StatusIssued {
				last = number
			}
		}
	}
	if p.Remaining() < 0 || p.Offered < 0 || p.Returned < 0 || p.Issued() < 0 || p.IssuedEver != len(p.coupons) || p.IssuedEver != last {
		return fmt.Errorf("promotion %s of %d units has issued %d ever, the last with number %d, as %d coupons; %d came back, %d are on offer, %d remain",
			p.PromotionID, p.Stock, p.IssuedEver, last, len(p.coupons), p.Returned, p.Offered, p.Remaining())
	}
	return nil
}
