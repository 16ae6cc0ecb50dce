// Random commands about products and orders, with a random payment provider and a worker that asks it.

package machine_test

import (
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/orders"
)

// providerAnswer is an answer of the provider. It may arrive much later.
type providerAnswer struct {
	paymentID string
	command   orders.RecordPayment
}

// orderGenerator is the part of the generator for orders.
type orderGenerator struct {
	paymentModel
	prices       map[string]int64  // of products
	prepared     []orders.Prepared //
	events       map[string]uint64 // the last that changed an order
	payments     []string          // the orders' payments, the oldest first
	delayed      []providerAnswer  // on their way
	paid         []string          // orders that succeeded
	refunding    []string          // payments that were REFUNDING and known when the worker decided to refund them
	falseAnswers bool              // there are answers that no provider gives
	beforeRefund func(impUID string)
	kept         func(impUID string) int64 // what the shop keeps of a payment
}

func newOrderGenerator() orderGenerator {
	return orderGenerator{paymentModel: paymentModel{}, prices: map[string]int64{}, events: map[string]uint64{}}
}

// productID is an old product or a recent one.
func (c *generator) productID() string {
	return c.pick("tee", "gig"+strconv.Itoa(c.count/120), "gig"+strconv.Itoa(c.count/120))
}

// paymentID is one of the last few payments, with an order or without.
func (c *generator) paymentID() string { return "imp" + strconv.Itoa(max(0, c.count/4-c.intN(4))) }

func (c *generator) orderCommand(user, key string) (owner, k, entity string, body domain.Body) {
	if c.intN(3) == 0 {
		c.advance(c, c.paymentID())
	}
	reason := c.pick("", "torn", strings.Repeat("x", 500+c.intN(8)/7))
	product := c.productID()
	if c.intN(50) == 0 {
		product = "none" + strconv.Itoa(c.count)
	}
	switch p := c.intN(100); {
	case p < 6 || c.prices[product] == 0 && p < 50:
		return user, key, product, orders.Create{Name: c.pick("n", "n", "n", "n", ""), Price: int64(c.number(c.intN(20))), Stock: c.number(c.intN(25)),
			PerUserLimit: c.number(c.intN(3) / 2 * (1 + c.intN(5)))}
	case p < 10:
		return user, key, product, orders.ChangeStock{Delta: c.number(c.intN(20) - 9), Reason: reason}
	case p < 11:
		return user, key, product, orders.Close{Reason: reason}
	case p < 22:
		owner, entity, prepare := c.prepareOrder(user, product)
		return owner, key, entity, prepare
	case p < 44:
		owner, entity, place := c.placePurchase(user, product)
		return owner, key, entity, place
	case p < 46:
		return c.placePrepared()
	case p < 52:
		cancel := orders.Cancel{Reason: reason}
		if c.intN(2) == 0 {
			percent := c.number(c.intN(5) * 25)
			cancel.Percent = &percent
		}
		id := c.paymentID()
		if n := len(c.paid); n > 0 && c.intN(2) == 0 {
			id = c.paid[max(0, n-1-c.intN(3))]
		}
		return user, key, id, cancel
	case p < 68:
		c.refundNext()
	}
	paymentID, recordPayment := c.pickAnswer()
	return "", "", paymentID, recordPayment
}

func (c *generator) placeOrder(product string) orders.Place {
	p := orders.Place{ProductID: product, Count: c.number(1 + c.intN(3) + c.intN(30)/29*1000), MaxOpenOrders: c.maxOpenOrders(), Terms: orders.Terms{
		Currency: c.pick("KRW", "KRW", "KRW", "KRW", "USD"), PaySeconds: c.number(1 + c.intN(120)), MissingSeconds: c.number(c.intN(2) * c.intN(130)),
		KeptSeconds:    c.intN(2) * c.intN(90),
		RequirePrepare: c.intN(8) == 0, AllowTest: c.intN(2) == 0}}
	if c.intN(60) == 0 {
		p.Currency, p.ProductID = c.pick("KRW", "WON!"), c.pick("x!", "none")
	}
	return p
}

// maxOpenOrders is mostly no limit.
func (c *generator) maxOpenOrders() int { return c.number(c.intN(4) / 3 * (1 + c.intN(3))) }

// pickAnswer is a provider's answer as the worker gets it, now and then a delayed one.
func (c *generator) pickAnswer() (string, orders.RecordPayment) {
	a := providerAnswer{paymentID: c.paymentID()}
	if len(c.payments) > 0 && c.intN(20) > 0 {
		a.paymentID = c.payments[max(0, len(c.payments)-1-c.intN(6))]
	}
	if len(c.refunding) > 0 && c.intN(2) == 0 {
		a.paymentID = c.refunding[max(0, len(c.refunding)-1-c.intN(4))]
	}
	a.command = orders.RecordPayment{LastEvent: c.events[a.paymentID], Payment: c.lookup(a.paymentID)}
	if c.falseAnswers && c.intN(10) == 0 {
		a.command.Payment = c.falsePayment()
		a.command.LastEvent -= uint64(c.intN(20) / 19)
	}
	if c.intN(4) == 0 {
		c.delayed = append(c.delayed, a)
	}
	if len(c.delayed) > 0 && c.intN(4) == 0 {
		i := c.intN(len(c.delayed))
		a, c.delayed = c.delayed[i], append(c.delayed[:i:i], c.delayed[i+1:]...)
	}
	return a.paymentID, a.command
}

// recordOrders keeps what later commands can refer to.
func (c *generator) recordOrders(e domain.Event) {
	if c.intN(6) == 0 && strings.HasPrefix(e.Entity, "imp") {
		c.changeTimes = append(c.changeTimes, e.Now+60_000)
	}
	switch b := e.Body.(type) {
	case orders.Created:
		c.prices[b.ProductID] = b.Price
	case orders.Prepared:
		c.prepared, c.changeTimes = append(c.prepared, b), append(c.changeTimes, b.PaymentDue)
	case orders.Confirmed:
		return
	case orders.Placed:
		if b.MerchantUID != "" {
			c.unsent = append(c.unsent, unsentOrder{b, e.User})
		}
		c.start(c, b, e.User)
		c.payments, c.changeTimes = append(c.payments, b.PaymentID), append(c.changeTimes, b.PaymentDue)
		if b.MissingSeconds > 0 && b.MissingSeconds < b.PaySeconds {
			c.changeTimes = append(c.changeTimes, e.Now+1000*domain.Time(b.MissingSeconds))
		}
	case orders.RejectedPaid:
		c.start(c, orders.Placed(b.Placement), e.User)
		c.payments = append(c.payments, b.PaymentID)
		if b.KeptSeconds > 0 {
			c.changeTimes = append(c.changeTimes, e.Now+1000*domain.Time(b.KeptSeconds))
		}
	case orders.RefundDue:
		if b.Payment != nil {
			c.refunding = append(c.refunding, b.PaymentID)
		}
	case orders.Failed, orders.Refunded:
		if c.intN(3) > 0 { // otherwise the worker refunds it once more
			c.refunding = slices.DeleteFunc(c.refunding, func(id string) bool { return id == e.Entity })
		}
	case orders.Succeeded:
		c.paid = append(c.paid, b.PaymentID)
	case orders.Pending, orders.Discrepant:
	default:
		return
	}
	c.events[e.Entity] = e.Number
}

// paymentModel is a random payment provider, by imp_uid. Users pay late, too little, in a wrong currency, for others; there are
// refunds that the state machine did not ask for.
type paymentModel map[string]orders.Payment

func (b paymentModel) lookup(id string) orders.Payment {
	if p, found := b[id]; found {
		return p
	}
	return orders.Payment{State: orders.PaymentMissing}
}

// start begins the payment of most orders, with the right amount.
func (b paymentModel) start(c *generator, placed orders.Placed, user string) {
	if b.lookup(placed.PaymentID).State != orders.PaymentMissing || placed.Amount == 0 || c.intN(5) == 0 {
		return
	}
	p := orders.Payment{State: c.pick(orders.PaymentWaiting, orders.PaymentPaid, orders.PaymentPaid, orders.PaymentFailed),
		MerchantUID: "own", Amount: placed.Amount, Currency: placed.Currency, Test: c.intN(8) == 0}
	if placed.RequirePrepare && len(c.prepared) > 0 {
		p.MerchantUID = c.prepared[max(0, len(c.prepared)-1-c.intN(2))].MerchantUID
	}
	b[placed.PaymentID] = p
}

// advance changes one payment.
func (b paymentModel) advance(c *generator, id string) {
	p := b.lookup(id)
	switch p.State {
	case orders.PaymentMissing:
		p = orders.Payment{State: c.pick(orders.PaymentWaiting, orders.PaymentPaid, orders.PaymentFailed), MerchantUID: "own",
			Amount: 1 + int64(c.intN(40)), Currency: c.pick("KRW", "KRW", "USD"), Test: c.intN(6) == 0}
		if n := len(c.prepared); n > 0 && c.intN(3) > 0 {
			prepared := c.prepared[max(0, n-1-c.intN(3))]
			p.MerchantUID, p.Amount = prepared.MerchantUID, max(1, prepared.Amount)
		}
	case orders.PaymentWaiting:
		p.State = c.pick(orders.PaymentPaid, orders.PaymentPaid, orders.PaymentFailed)
		if c.intN(6) == 0 {
			p.Amount = max(1, p.Amount+int64(c.intN(2))*2-1)
		}
	case orders.PaymentFailed:
		p.State = orders.PaymentPaid
	case orders.PaymentPaid:
		b.refund(id, 1+int64(c.intN(int(min(p.Refundable(), 50)))))
		return
	}
	b[id] = p
}

// refund refunds at most amount of a payment.
func (b paymentModel) refund(id string, amount int64) {
	p := b.lookup(id)
	p.Cancelled += min(amount, p.Refundable())
	if p.State == orders.PaymentPaid && p.Cancelled == p.Amount {
		p.State = orders.PaymentCancelled
	}
	b[id] = p
}

// refundNext is a refund by the worker, which it decided on a while ago; mostly whole, now and then in parts.
func (c *generator) refundNext() {
	if len(c.refunding) == 0 {
		return
	}
	id := c.refunding[max(0, len(c.refunding)-1-c.intN(4))]
	if c.beforeRefund != nil {
		c.beforeRefund(id)
	}
	amount := max(0, c.lookup(id).Refundable()-c.kept(id))
	if amount > 1 && c.intN(4) == 0 {
		amount = 1 + int64(c.intN(int(min(amount-1, 50))))
	}
	c.refund(id, amount)
}

// falsePayment is an answer that no provider gives, or one about another payment.
func (c *generator) falsePayment() orders.Payment {
	p := orders.Payment{State: c.pick("missing", "waiting", "paid", "failed", "cancelled", "charged"), MerchantUID: "own",
		Amount: int64(c.number(c.intN(30) - 1)), Cancelled: int64(c.number(c.intN(30) - 15)), Currency: c.pick("KRW", "USD"), Test: c.intN(4) == 0}
	if c.intN(3) > 0 {
		p.Cancelled = 0
	}
	if c.intN(2) == 0 && p.State == "cancelled" {
		p.Cancelled = p.Amount
	}
	if n := len(c.prepared); n > 0 && c.intN(2) == 0 {
		p.MerchantUID = c.prepared[c.intN(n)].MerchantUID
	}
	if p.State == "missing" && c.intN(2) == 0 {
		p = orders.Payment{State: p.State}
	}
	return p
}
