// Random purchases: orders and preparations on holds and with coupons.

package machine_test

import (
	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// purchases is the part of the generator for what is bought with coupons and on holds.
type purchases struct {
	quote   func(user, product string, count int, hold, coupon string) int64 // the right amount
	unsent  []unsentOrder
	payable map[string]bool // schedules whose seats are paid for
	toPay   []reference     // their holds
	selling bool            // half of the commands are about orders
}

// unsentOrder is an order that was placed for a user who did not send it yet.
type unsentOrder struct {
	placed orders.Placed
	user   string
}

// quote is the right amount of a purchase.
func (d *modelCheck) quote(user, product string, count int, hold, coupon string) int64 {
	amount, schedule := d.Orders.PurchaseOf(product, count).Amount, ""
	if hold != "" {
		offer, _, _ := d.Seats.QuoteHold(hold, user, d.Now)
		amount, product, schedule = offer.TotalPrice, "", offer.ScheduleID
	}
	discount, _, _ := d.Coupons.QuoteDiscount(coupon, user, product, schedule, amount)
	return amount - discount
}

// worth is what the coupons of a new promotion are worth.
func (c *generator) worth() (w coupons.DiscountTerms) {
	switch c.intN(6) {
	case 0:
		return w
	case 1, 2:
		w.Discount = &coupons.Discount{Kind: coupons.DiscountFixed, Amount: int64(c.number(1 + c.intN(60)))}
	default:
		w.Discount = &coupons.Discount{Kind: coupons.DiscountPercent, Percent: c.number(1 + c.intN(100)), MaxAmount: int64(c.number(c.intN(2) * c.intN(20)))}
	}
	if c.intN(4) == 0 {
		w.MinAmount = int64(c.number(c.intN(40)))
	}
	if c.intN(4) == 0 {
		w.AppliesTo = &coupons.AppliesTo{ProductIDs: []string{c.productID()}, ScheduleIDs: []string{c.scheduleID()}}
	}
	return w
}

// what is bought: a hold of the last few, mostly by its user, or units; mostly with a coupon of the user, if there is one.
func (c *generator) what(user, product string) (owner, p, hold, coupon string, count int) {
	owner, p, count = user, product, c.number(1+c.intN(3)+c.intN(30)/29*1000)
	if n := len(c.toPay); n > 0 && c.intN(3) > 0 {
		h := c.toPay[max(0, n-1-c.intN(4))]
		owner, p, hold, count = h.user, "", h.id, 0
		if c.intN(12) == 0 {
			owner = user
		}
	} else if len(c.held) > 0 && c.intN(12) == 0 {
		h := c.pickReference(c.held, user)
		owner, p, hold, count = h.user, "", h.id, 0
	}
	if c.intN(2) == 0 {
		return owner, p, hold, "", count
	}
	coupon = c.pickCoupon(owner).id
	for _, issued := range c.issued { // mostly the owner's last
		if issued.user == owner && c.intN(8) > 0 {
			coupon = issued.id
		}
	}
	return owner, p, hold, coupon, count
}

func (c *generator) prepareOrder(user, product string) (owner, entity string, body domain.Body) {
	owner, entity, hold, coupon, count := c.what(user, product)
	prepare := orders.Prepare{Count: count, HoldID: hold, CouponID: coupon, MaxOpenOrders: c.maxOpenOrders()}
	if entity == "" {
		entity = hold
	}
	if c.intN(4) > 0 {
		terms := c.placeOrder(product).Terms
		prepare.Terms = &terms
	}
	return owner, entity, prepare
}

// placePurchase is an order, mostly with the right amount; now and then one that onsale has placed already.
func (c *generator) placePurchase(user, product string) (owner, entity string, body domain.Body) {
	place := c.placeOrder(product)
	if n := len(c.unsent); n > 0 && c.intN(4) == 0 {
		u := c.unsent[max(0, n-1-c.intN(3))]
		place.ProductID, place.Count, place.HoldID, place.CouponID = u.placed.ProductID, u.placed.Count, u.placed.HoldID, u.placed.CouponID
		place.Amount = u.placed.Amount
		return u.user, u.placed.PaymentID, place
	}
	owner, entity = user, c.paymentID()
	if place.ProductID == product { // otherwise an invalid one
		owner, place.ProductID, place.HoldID, place.CouponID, place.Count = c.what(user, product)
	}
	place.Amount = c.quote(owner, place.ProductID, place.Count, place.HoldID, place.CouponID)
	if c.intN(8) == 0 {
		place.Amount += int64(c.number(c.intN(5) - 2))
	}
	if place.Amount == 0 && c.intN(4) > 0 {
		entity = orders.NoPayment
	}
	return owner, entity, place
}

// placePrepared is what the worker sends that has found a payment without an order.
func (c *generator) placePrepared() (user, key, entity string, body domain.Body) {
	id, uid := c.paymentID(), "m1-unknown"
	if n := len(c.prepared); n > 0 {
		prepared := c.prepared[max(0, n-1-c.intN(4))]
		uid = prepared.MerchantUID
		if c.lookup(id).State == orders.PaymentMissing && c.intN(4) > 0 {
			c.paymentModel[id] = orders.Payment{State: orders.PaymentPaid, MerchantUID: uid, Amount: max(1, prepared.Amount), Currency: "KRW"}
		}
	}
	return "", "", id, orders.PlacePrepared{MerchantUID: uid}
}

// recordPurchases keeps which holds can be paid for.
func (c *generator) recordPurchases(e domain.Event) {
	switch b := e.Body.(type) {
	case seats.Created:
		c.payable[b.ScheduleID] = b.Payment == seats.PaymentRequired
	case seats.Held:
		if c.payable[b.ScheduleID] {
			c.toPay = append(c.toPay, reference{b.HoldID, e.User, b.ScheduleID, nil})
		}
	case seats.Accepted:
		if c.payable[b.ScheduleID] {
			c.toPay = append(c.toPay, reference{b.HoldID, e.User, b.ScheduleID, nil})
		}
	}
}
