// Commands about products and orders by chance, and a worker by chance that asks the bank.
package shop_test

import (
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/orders"
)

// answer is what the bank said when an order stood as an event had made it. It may arrive much later.
type answer struct {
	impUID string
	learn  orders.Learn
}

// ordering is what the chance remembers of orders.
type ordering struct {
	bank
	prices   map[string]int64  // of products
	prepared []orders.Prepared //
	events   map[string]uint64 // the last that changed an order
	imps     []string          // the orders' payments, the oldest first
	under    []answer          // way to the shop
	owed     []string          // payments that were REFUNDING and known when the worker decided to give them back
	liar     bool              // there are answers that no bank gives
	onCancel func(impUID string)
}

func newOrdering() ordering {
	return ordering{bank: bank{}, prices: map[string]int64{}, events: map[string]uint64{}}
}

// product is one of the day, or the one of the hour.
func (c *chance) product() string {
	return c.one("tee", "gig"+strconv.Itoa(c.asked/120), "gig"+strconv.Itoa(c.asked/120))
}

// imp is a payment of the last few, known to the shop or not.
func (c *chance) imp() string { return "imp" + strconv.Itoa(max(0, c.asked/10-c.draw(4))) }

func (c *chance) ofOrders(user, key string) (who, k, entity string, body domain.Body) {
	if c.draw(3) == 0 {
		c.move(c, c.imp())
	}
	reason := c.one("", "torn", strings.Repeat("x", 500+c.draw(8)/7))
	product := c.product()
	switch p := c.draw(100); {
	case p < 6 || c.prices[product] == 0 && p < 50:
		return user, key, product, orders.Create{Name: c.one("n", "n", "n", "n", ""), Price: int64(c.figure(c.draw(20))), Stock: c.figure(c.draw(25))}
	case p < 10:
		return user, key, product, orders.ChangeStock{Delta: c.figure(c.draw(20) - 9), Reason: reason}
	case p < 11:
		return user, key, product, orders.Close{Reason: reason}
	case p < 17:
		return user, key, product, orders.Prepare{Count: c.figure(c.draw(20)/19*1000 + 1 + c.draw(3))}
	case p < 40:
		return user, key, c.imp(), c.place(product)
	case p < 46:
		return user, key, c.imp(), orders.Cancel{Reason: reason}
	case p < 55:
		c.giveBack()
	}
	impUID, learn := c.answer()
	return "", "", impUID, learn
}

func (c *chance) place(product string) orders.Place {
	p := orders.Place{SalePostID: product, Count: c.figure(1 + c.draw(3) + c.draw(30)/29*1000), Terms: orders.Terms{
		Currency: c.one("KRW", "KRW", "KRW", "KRW", "USD"), PaySeconds: c.figure(1 + c.draw(120)),
		RequirePrepare: c.draw(4) == 0, AllowTest: c.draw(2) == 0}}
	p.Amount = c.prices[p.SalePostID] * int64(p.Count)
	if c.draw(8) == 0 {
		p.Amount += int64(c.figure(c.draw(5) - 2))
	}
	if c.draw(60) == 0 {
		p.Currency, p.SalePostID = c.one("KRW", "WON!"), c.one("x!", "none")
	}
	return p
}

// answer is what the worker hears. It may be on its way for a while.
func (c *chance) answer() (string, orders.Learn) {
	a := answer{impUID: c.imp()}
	if len(c.imps) > 0 && c.draw(20) > 0 {
		a.impUID = c.imps[max(0, len(c.imps)-1-c.draw(6))]
	}
	if len(c.owed) > 0 && c.draw(4) == 0 {
		a.impUID = c.owed[max(0, len(c.owed)-1-c.draw(4))]
	}
	a.learn = orders.Learn{After: c.events[a.impUID], Payment: c.says(a.impUID)}
	if c.liar && c.draw(10) == 0 {
		a.learn.Payment = c.madeUp()
		a.learn.After -= uint64(c.draw(20) / 19)
	}
	if c.draw(4) == 0 {
		c.under = append(c.under, a)
	}
	if len(c.under) > 0 && c.draw(4) == 0 {
		i := c.draw(len(c.under))
		a, c.under = c.under[i], append(c.under[:i:i], c.under[i+1:]...)
	}
	return a.impUID, a.learn
}

// noteOrders remembers what others can ask about.
func (c *chance) noteOrders(e domain.Event) {
	if c.draw(6) == 0 && strings.HasPrefix(e.Entity, "imp") {
		c.marks = append(c.marks, e.Now+60_000)
	}
	switch b := e.Body.(type) {
	case orders.Created:
		c.prices[b.SalePostID] = b.Price
	case orders.Prepared:
		c.prepared = append(c.prepared, b)
	case orders.Placed:
		c.begin(c, b, e.User)
		c.imps, c.marks = append(c.imps, b.ImpUID), append(c.marks, b.PayBy)
	case orders.Kept:
		c.begin(c, b.Placed, e.User)
		c.imps = append(c.imps, b.ImpUID)
	case orders.RefundDue:
		if b.Payment != nil {
			c.owed = append(c.owed, b.ImpUID)
		}
	case orders.Unsuccessful, orders.GivenBack:
		if c.draw(3) > 0 { // or the worker has decided it before, and does it once more
			c.owed = slices.DeleteFunc(c.owed, func(impUID string) bool { return impUID == e.Entity })
		}
	case orders.Pending, orders.Succeeded, orders.Differs:
	default:
		return
	}
	c.events[e.Entity] = e.Number
}
