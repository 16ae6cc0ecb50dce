package projections_test

import (
	"fmt"
	"strconv"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/projections"
)

// ofOrders is a wish about products and orders, or what a worker heard of a payment.
func (c *chance) ofOrders(user string) (asks, entity string, body domain.Body) {
	product, impUID := c.one("tee", "mug"), c.of(c.ordered, user, "").id
	switch c.IntN(20) {
	case 0:
		return user, product, orders.Create{Name: "n", Price: 100, Stock: 9}
	case 1:
		if c.asked > 500 && c.IntN(4) == 0 {
			return user, product, orders.Close{Reason: "r"}
		}
		return user, product, orders.ChangeStock{Delta: c.IntN(7) - 2}
	case 2, 3:
		return user, product, orders.Prepare{Count: 1 + c.IntN(2)}
	case 4, 5, 6, 7:
		count := 1 + c.IntN(4)/3
		wish := place(product, count, 100*int64(count-c.IntN(8)/7))
		wish.PaySeconds, wish.RequirePrepare = 60+c.IntN(1200), c.IntN(6) == 0
		if c.IntN(4) > 0 {
			impUID = "imp" + strconv.Itoa(c.asked)
		}
		return user, impUID, wish
	case 8:
		return user, impUID, orders.Cancel{Reason: "r"}
	}
	return "", impUID, orders.Learn{After: c.event(impUID), Payment: c.payment(impUID)}
}

// event is what the worker knows of an order: mostly how it is, and else how it was.
func (c *chance) event(impUID string) uint64 {
	if c.w.p != nil && c.IntN(8) > 0 {
		c.w.settle()
		err := c.w.p.Read("", func(v *projections.View) error {
			o, _, err := v.Order(impUID)
			c.known[impUID] = o.Event
			return err
		})
		if err != nil {
			c.w.tb.Fatal(err)
		}
	}
	return c.known[impUID]
}

// payment is what a provider says of one: it is begun, paid or not, and goes back, all of it or a part.
func (c *chance) payment(impUID string) orders.Payment {
	p := c.payments[impUID]
	switch p.State {
	case "":
		p.State = orders.PaymentMissing
		if c.IntN(3) > 0 {
			p.State, p.Currency, p.Amount, p.Test = orders.PaymentWaiting, "KRW", 100*int64(1+c.IntN(4)/3), c.IntN(10) == 0
			if len(c.preparations) > 0 && c.IntN(4) == 0 {
				p.MerchantUID = c.of(c.preparations, "", "").id
			}
		}
	case orders.PaymentMissing:
		p.State = c.one("", orders.PaymentMissing)
	case orders.PaymentWaiting, orders.PaymentFailed:
		p.State = c.one(orders.PaymentWaiting, orders.PaymentPaid, orders.PaymentPaid, orders.PaymentFailed)
	case orders.PaymentPaid:
		switch c.IntN(6) {
		case 0:
			p.Cancelled = p.Amount / 2
		case 1, 2:
			p.State, p.Cancelled = orders.PaymentCancelled, p.Amount
		}
	}
	c.payments[impUID] = p
	if c.IntN(30) == 0 {
		p.Amount = -1 // nobody can have heard that
	}
	return p
}

// merchantUID is the one that a preparation leads to.
func merchantUID(sequence uint64, request domain.RequestID) string {
	return fmt.Sprintf("m%d-%s", sequence, request[:8])
}
