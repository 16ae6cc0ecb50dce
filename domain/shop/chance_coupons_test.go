// Commands about coupons by chance.
package shop_test

import (
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
)

func (c *chance) promotion() coupons.Create {
	p := coupons.Create{Name: "p", Stock: c.figure(c.draw(12)), PerUserLimit: c.figure(1 + c.draw(3))}
	if c.draw(2) == 0 {
		p.OpensAt = c.at + domain.Time(c.draw(2000))
	}
	if c.draw(5) == 0 {
		p.ClosesAt = max(c.at, p.OpensAt) + 1 + domain.Time(c.draw(20000))
	}
	c.marks = append(c.marks, max(c.at, p.OpensAt), max(c.at, p.ClosesAt))
	return p
}

// ofSale is everything but creating a promotion and asking for one coupon.
func (c *chance) ofSale(user string) (who, entity string, body domain.Body) {
	entity = c.sale()
	reason := c.one("", "why not", strings.Repeat("x", 200+c.draw(8)/7))
	switch p := c.draw(100); {
	case p < 5:
		return user, entity, coupons.Pause{Reason: reason}
	case p < 15:
		return user, entity, coupons.Resume{Reason: reason}
	case p < 17:
		return user, entity, coupons.Close{Reason: reason}
	case p < 25:
		return user, entity, coupons.ChangeStock{Delta: c.figure(c.draw(7) - 4), Reason: reason}
	case p < 35:
		coupon := c.couponOf(user)
		return coupon.user, coupon.hall, coupons.Use{Number: coupon.seats[0]}
	case p < 45:
		coupon := c.couponOf(user)
		return user, coupon.hall, coupons.Revoke{Number: coupon.seats[0], ReturnStock: c.draw(3) > 0, Reason: reason}
	case p < 70:
		return user, entity, coupons.Join{Quantity: c.figure(1 + c.draw(3) - c.draw(30)/29)}
	}
	place := c.oneOf(c.waits, user)
	if c.draw(30) == 0 {
		place.id = c.one("demo-wc1", "demo-wc!", "demo-wc007", "-wc", "demo-wc-1", "wc2000", "demo-wc99999999999999999999")
	}
	switch p := c.draw(30); {
	case p < 5:
		return place.user, place.hall, coupons.Leave{WaitingID: place.id}
	case p < 12:
		return place.user, place.hall, coupons.Decline{WaitingID: place.id}
	}
	return place.user, place.hall, coupons.Accept{WaitingID: place.id}
}

// couponOf is one of the last few, or a number of any promotion that perhaps nobody has.
func (c *chance) couponOf(user string) thing {
	if t := c.oneOf(c.bought, user); t.seats != nil {
		return t
	}
	return thing{"", user, c.sale(), []int{c.figure(1 + c.draw(6))}}
}

// noteCoupons remembers what others can ask about.
func (c *chance) noteCoupons(e domain.Event) {
	switch b := e.Body.(type) {
	case coupons.Issued:
		c.bought = append(c.bought, thing{b.CouponID, e.User, b.PromotionID, []int{b.Number}})
	case coupons.Accepted:
		c.bought = append(c.bought, thing{b.CouponID, e.User, b.PromotionID, []int{b.Number}})
	case coupons.Joined:
		c.waits = append(c.waits, thing{b.WaitingID, e.User, b.PromotionID, nil})
	case coupons.Offered:
		c.waits = append(c.waits, thing{b.WaitingID, e.User, b.PromotionID, nil})
		c.marks = append(c.marks, b.ExpiresAt)
	}
}
