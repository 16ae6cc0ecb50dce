// The dumb twin at the coupons' counter: what can be asked of a promotion that is there, and of its coupons.
package shop_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/coupons"
)

func (w *twin) ofSale(s *twinSale, c domain.Command, now domain.Time) string {
	switch b := c.Body.(type) {
	case coupons.Issue:
		if shut := s.window(now); shut != "" {
			return shut
		}
		if s.paused {
			return "paused"
		}
		if no := s.limit(c.User, 1); no != "" {
			return no
		}
		if s.free() == 0 {
			return "sold_out" + some(int(s.last)) + some(s.offered())
		}
		s.coupons = append(s.coupons, twinCoupon{owner: c.User})
		return fmt.Sprintf("issued %s-%d", s.id, len(s.coupons))
	case coupons.Join:
		return w.join(s, c, b.Quantity, now)
	}
	if over := s.over(now); over != "" {
		return over
	}
	switch b := c.Body.(type) {
	case coupons.Pause:
		s.paused = true
		return "paused " + s.id
	case coupons.Resume:
		s.paused = false
		return "resumed " + s.id
	case coupons.Close:
		s.closed = true
		return "closed " + s.id + " by " + c.User
	case coupons.ChangeStock:
		if s.Stock+b.Delta > 1_000_000_000 {
			return "invalid_body"
		}
		if gone := s.issued() + s.offered(); s.Stock+b.Delta < gone {
			return "stock_below_issued" + some(gone)
		}
		s.Stock += b.Delta
		return fmt.Sprintf("stock of %s by %d to %d", s.id, b.Delta, s.Stock)
	}
	return "what is this?"
}

// some is a fact that is not told when it is nothing.
func some(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(" ", n)
}

func (w *twin) ofCoupon(c domain.Command) string {
	number := 0
	revoke, is := c.Body.(coupons.Revoke)
	if is {
		number = revoke.Number
		if len(revoke.Reason) > 200 {
			return "invalid_body"
		}
	} else {
		number = c.Body.(coupons.Use).Number
	}
	s := w.sales[c.Entity]
	if s == nil || number < 1 || number > len(s.coupons) {
		return "coupon_not_found"
	}
	coupon, id := &s.coupons[number-1], fmt.Sprintf("%s-%d", c.Entity, number)
	if !is && coupon.owner != c.User {
		return "not_owner"
	}
	if coupon.revoked {
		return "revoked"
	}
	if is {
		coupon.revoked, coupon.back = true, revoke.ReturnStock
		return fmt.Sprintf("revoked %s of %s, back %t\nalarm coupon-revoked for %s\nwithdrawn %s of %s, back %t", id, coupon.owner,
			coupon.back, coupon.owner, id, coupon.owner, coupon.back)
	}
	if coupon.used {
		return "already_used"
	}
	coupon.used = true
	return "used " + id
}
