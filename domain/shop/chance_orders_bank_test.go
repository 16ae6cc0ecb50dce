// A provider of payments by chance: people pay late, too little, in the wrong currency, for others; somebody gives money back
// past the shop.
package shop_test

import (
	"onsale/domain/orders"
)

// bank is the payments by imp_uid. What is not there is missing.
type bank map[string]orders.Payment

func (b bank) says(impUID string) orders.Payment {
	if p, known := b[impUID]; known {
		return p
	}
	return orders.Payment{State: orders.PaymentMissing}
}

// begin lets most people begin to pay for their order in good faith.
func (b bank) begin(c *chance, placed orders.Placed, user string) {
	if b.says(placed.ImpUID).State != orders.PaymentMissing || c.draw(5) == 0 {
		return
	}
	p := orders.Payment{State: c.one(orders.PaymentWaiting, orders.PaymentPaid, orders.PaymentPaid, orders.PaymentFailed),
		MerchantUID: "own", Amount: placed.Amount, Currency: placed.Currency, Test: c.draw(8) == 0}
	if placed.RequirePrepare && len(c.prepared) > 0 {
		p.MerchantUID = c.prepared[max(0, len(c.prepared)-1-c.draw(3))].MerchantUID
	}
	b[placed.ImpUID] = p
}

// move is something that happens at the bank, to one payment.
func (b bank) move(c *chance, impUID string) {
	p := b.says(impUID)
	switch p.State {
	case orders.PaymentMissing:
		p = orders.Payment{State: c.one(orders.PaymentWaiting, orders.PaymentPaid, orders.PaymentFailed), MerchantUID: "own",
			Amount: 1 + int64(c.draw(40)), Currency: c.one("KRW", "KRW", "USD"), Test: c.draw(6) == 0}
		if n := len(c.prepared); n > 0 && c.draw(3) > 0 {
			prepared := c.prepared[max(0, n-1-c.draw(3))]
			p.MerchantUID, p.Amount = prepared.MerchantUID, prepared.Amount
		}
	case orders.PaymentWaiting:
		p.State = c.one(orders.PaymentPaid, orders.PaymentPaid, orders.PaymentFailed)
		if c.draw(6) == 0 {
			p.Amount = max(1, p.Amount+int64(c.draw(2))*2-1)
		}
	case orders.PaymentFailed:
		p.State = orders.PaymentPaid
	case orders.PaymentPaid:
		b.cancel(impUID, 1+int64(c.draw(int(min(p.Left(), 50)))))
		return
	}
	b[impUID] = p
}

// cancel gives back so much of a payment, as far as it is there.
func (b bank) cancel(impUID string, amount int64) {
	p := b.says(impUID)
	p.Cancelled += min(amount, p.Left())
	if p.State == orders.PaymentPaid && p.Cancelled == p.Amount {
		p.State = orders.PaymentCancelled
	}
	b[impUID] = p
}

// giveBack lets the worker do what it decided to do a while ago; mostly at once, now and then in parts.
func (c *chance) giveBack() {
	if len(c.owed) == 0 {
		return
	}
	impUID := c.owed[max(0, len(c.owed)-1-c.draw(4))]
	if c.onCancel != nil {
		c.onCancel(impUID)
	}
	amount := c.says(impUID).Left()
	if amount > 1 && c.draw(4) == 0 {
		amount = 1 + int64(c.draw(int(min(amount-1, 50))))
	}
	c.cancel(impUID, amount)
}

// madeUp is what no bank says, or says of another payment.
func (c *chance) madeUp() orders.Payment {
	p := orders.Payment{State: c.one("missing", "waiting", "paid", "failed", "cancelled", "charged"), MerchantUID: "own",
		Amount: int64(c.figure(c.draw(30) - 1)), Cancelled: int64(c.figure(c.draw(30) - 15)), Currency: c.one("KRW", "USD"), Test: c.draw(4) == 0}
	if c.draw(3) > 0 {
		p.Cancelled = 0
	}
	if c.draw(2) == 0 && p.State == "cancelled" {
		p.Cancelled = p.Amount
	}
	if n := len(c.prepared); n > 0 && c.draw(2) == 0 {
		p.MerchantUID = c.prepared[c.draw(n)].MerchantUID
	}
	if p.State == "missing" && c.draw(2) == 0 {
		p = orders.Payment{State: p.State}
	}
	return p
}
