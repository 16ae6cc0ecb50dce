// The money of orders, as the provider's last answers say.

package audit

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
)

// Money is what was paid, and where it is: Paid = Kept + Refunded + UnderWay + InDoubt.
type Money struct {
	Paid     int64
	Kept     int64 // of orders that are paid, and of those that were refunded in part
	Refunded int64
	UnderWay int64 // of orders without a result, and what has to be refunded
	InDoubt  int64 // what the provider reports of an order that was decided otherwise
}

func (m Money) plus(other Money, sign int64) Money {
	return Money{
		m.Paid + sign*other.Paid, m.Kept + sign*other.Kept, m.Refunded + sign*other.Refunded, m.UnderWay + sign*other.UnderWay,
		m.InDoubt + sign*other.InDoubt,
	}
}

// balance is the money of one order.
type balance struct {
	Money
	currency string
	foreign  bool // the payment is another user's
	status   orders.Status
	amount   int64
}

// applyOrder notes an order's money. Once an order has ended, all that was paid has to be kept or refunded.
func (c *Conservation) applyOrder(e domain.Event) error {
	var after balance
	if before := c.balances[e.Entity]; before != nil {
		after = *before
	}
	var doubt bool
	switch b := e.Body.(type) {
	case orders.Placed: // it may replace one that failed
		after = balance{status: orders.StatusVerifying, amount: b.Amount}
	case orders.RejectedPaid:
		after = balance{status: orders.StatusRefunding, amount: b.Amount}
	case orders.Pending:
		after.set(orders.StatusPendingPayment, &b.Payment, 0)
	case orders.Succeeded:
		after.set(orders.StatusPaid, &b.Payment, after.amount)
	case orders.RefundDue:
		after.set(orders.StatusRefunding, b.Payment, b.Kept)
	case orders.Failed:
		after.foreign = b.Reason == orders.ReasonOtherUser || b.Reason == orders.ReasonNotPrepared
		if after.set(orders.StatusFailed, &b.Payment, 0); b.Refunded > 0 {
			after.status = orders.StatusRefunded
		}
	case orders.Refunded:
		after.set(orders.StatusRefunded, &b.Payment, b.Kept)
	case orders.Discrepant:
		doubt = true
		after.foreign = after.foreign || after.status == orders.StatusFailed // another user's payment, which was begun after the failure
		after.set(after.status, &b.Payment, after.Kept)
	default:
		return nil
	}
	if before := c.balances[e.Entity]; before != nil {
		c.money[before.currency] = c.money[before.currency].plus(before.Money, -1)
	}
	c.money[after.currency] = c.money[after.currency].plus(after.Money, 1)
	c.balances[e.Entity] = &after
	if after.InDoubt != 0 && !doubt {
		return fmt.Errorf("order %s is %s: %d paid, but %d kept and %d refunded", e.Entity, after.status, after.Paid, after.Kept, after.Refunded)
	}
	return nil
}

// set gives an order a status and what the provider says of its payment; nil: it has to be asked. kept is what the shop keeps.
func (b *balance) set(status orders.Status, p *orders.Payment, kept int64) {
	b.status, b.Money = status, Money{}
	if p == nil || b.foreign {
		return
	}
	b.currency = p.Currency
	b.Paid, b.Refunded, b.Kept = p.Cancelled+p.Refundable(), p.Cancelled, kept
	rest := b.Paid - b.Refunded - b.Kept
	switch status {
	case orders.StatusPaid, orders.StatusFailed, orders.StatusRefunded:
		b.InDoubt = rest
	case orders.StatusRefunding: // the provider may have refunded more than the shop wanted
		b.Kept = min(kept, p.Refundable())
		b.UnderWay = p.Refundable() - b.Kept
	default:
		b.UnderWay = rest
	}
}

// compareMoney compares every balance with its order, and the sums.
func (c *Conservation) compareMoney(s *orders.State) error {
	sums := map[string]Money{}
	all := s.Orders()
	for _, id := range all {
		o, b := s.Order(id), c.balances[id]
		if b == nil || b.status != o.Status || b.amount != o.Amount && !o.Rejected || o.Status == orders.StatusRefunded && b.Kept != o.Kept {
			return fmt.Errorf("order %s is %s and keeps %d, but not by its events: %+v", id, o.Status, o.Kept, b)
		}
		if !b.foreign && o.Payment != nil && (b.Paid != o.Payment.Cancelled+o.Payment.Refundable() || b.Refunded != o.Refunded()) {
			return fmt.Errorf("the payment of order %s is %+v, but not by its events: %+v", id, *o.Payment, b.Money)
		}
		if b.Paid != b.Kept+b.Refunded+b.UnderWay+b.InDoubt {
			return fmt.Errorf("order %s: %+v", id, b.Money)
		}
		sums[b.currency] = sums[b.currency].plus(b.Money, 1)
	}
	if len(all) != len(c.balances) {
		return fmt.Errorf("%d orders, but %d by their events", len(all), len(c.balances))
	}
	for currency, m := range c.money {
		if m != sums[currency] {
			return fmt.Errorf("money in %s: %+v in all orders, but %+v by their events", currency, sums[currency], m)
		}
	}
	return nil
}
