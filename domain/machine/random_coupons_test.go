// Random commands about coupons.

package machine_test

import (
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
)

func (c *generator) createPromotion() coupons.Create {
	p := coupons.Create{Name: "p", Stock: c.number(c.intN(12)), PerUserLimit: c.number(1 + c.intN(3))}
	if c.intN(2) == 0 {
		p.OpensAt = c.at + domain.Time(c.intN(2000))
	}
	if c.intN(5) == 0 {
		p.ClosesAt = max(c.at, p.OpensAt) + 1 + domain.Time(c.intN(20000))
	}
	c.changeTimes = append(c.changeTimes, max(c.at, p.OpensAt), max(c.at, p.ClosesAt))
	p.DiscountTerms = c.worth()
	return p
}

// couponCommand is any command but Create and Issue.
func (c *generator) couponCommand(user string) (owner, entity string, body domain.Body) {
	entity = c.promotionID()
	reason := c.pick("", "why not", strings.Repeat("x", 200+c.intN(8)/7))
	switch p := c.intN(100); {
	case p < 5:
		return user, entity, coupons.Pause{Reason: reason}
	case p < 15:
		return user, entity, coupons.Resume{Reason: reason}
	case p < 17:
		return user, entity, coupons.Close{Reason: reason}
	case p < 25:
		return user, entity, coupons.ChangeStock{Delta: c.number(c.intN(7) - 4), Reason: reason}
	case p < 35:
		coupon := c.pickCoupon(user)
		return coupon.user, coupon.entity, coupons.Use{Number: coupon.seats[0]}
	case p < 45:
		coupon := c.pickCoupon(user)
		return user, coupon.entity, coupons.Revoke{Number: coupon.seats[0], ReturnStock: c.intN(3) > 0, Reason: reason}
	case p < 70:
		return user, entity, coupons.Join{Quantity: c.number(1 + c.intN(3) - c.intN(30)/29)}
	}
	ref := c.pickReference(c.couponsWaiting, user)
	if c.intN(30) == 0 {
		ref.id = c.pick("demo-wc1", "demo-wc!", "demo-wc007", "-wc", "demo-wc-1", "wc2000", "demo-wc99999999999999999999")
	}
	switch p := c.intN(30); {
	case p < 5:
		return ref.user, ref.entity, coupons.Leave{WaitingID: ref.id}
	case p < 12:
		return ref.user, ref.entity, coupons.Decline{WaitingID: ref.id}
	}
	return ref.user, ref.entity, coupons.Accept{WaitingID: ref.id}
}

// pickCoupon is one of the last few coupons, or a random number, which perhaps does not exist.
func (c *generator) pickCoupon(user string) reference {
	if t := c.pickReference(c.issued, user); t.seats != nil {
		return t
	}
	return reference{"", user, c.promotionID(), []int{c.number(1 + c.intN(6))}}
}

// recordCoupons keeps what later commands can refer to.
func (c *generator) recordCoupons(e domain.Event) {
	switch b := e.Body.(type) {
	case coupons.Issued:
		c.issued = append(c.issued, reference{b.CouponID, e.User, b.PromotionID, []int{b.Number}})
	case coupons.Accepted:
		c.issued = append(c.issued, reference{b.CouponID, e.User, b.PromotionID, []int{b.Number}})
	case coupons.Joined:
		c.couponsWaiting = append(c.couponsWaiting, reference{b.WaitingID, e.User, b.PromotionID, nil})
	case coupons.Offered:
		c.couponsWaiting = append(c.couponsWaiting, reference{b.WaitingID, e.User, b.PromotionID, nil})
		c.changeTimes = append(c.changeTimes, b.ExpiresAt)
	}
}
