// The conservation laws of orders: what products have given away is what their orders have, every order stands as its facts
// say, and nobody hears two verdicts.
package shop_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
)

func checkOrders(s *orders.State) error {
	taken, counts := map[string]int{}, map[orders.Status]int{}
	for _, id := range s.Orders() {
		o := s.Order(id)
		counts[o.Status]++
		if o.Status == orders.Verifying || o.Status == orders.PendingPayment || o.Status == orders.Paid {
			taken[o.SalePostID] += o.Count
		}
		if err := checkOrder(o); err != nil {
			return fmt.Errorf("order %s: %w: %+v", id, err, o)
		}
	}
	for _, id := range s.Products() {
		p := s.Product(id)
		left := p.Remaining()
		if p.Taken != taken[id] || left < 0 || left != p.Stock-p.Taken || (left == 0) != (p.SoldOutSequence != 0) {
			return fmt.Errorf("product %+v has given away %d", p, taken[id])
		}
	}
	for _, status := range []orders.Status{orders.Verifying, orders.PendingPayment, orders.Paid, orders.Refunding, orders.Failed, orders.Refunded} {
		if s.Count(status) != counts[status] {
			return fmt.Errorf("%d orders are %s, and not %d", counts[status], status, s.Count(status))
		}
	}
	return nil
}

// checkOrder proves that an order's status and its facts say the same.
func checkOrder(o *orders.Order) error {
	var state string
	if o.Payment != nil {
		state = o.Payment.State
	}
	fits := o.Reason == "" && state == orders.PaymentPaid && o.Payment.Amount == o.Amount && o.Payment.Cancelled == 0
	waits := state == orders.PaymentMissing || state == orders.PaymentWaiting
	right := map[orders.Status]bool{
		orders.Verifying:      o.Verdict == 0 && o.Reason == "" && state == "" && o.AskAt != 0,
		orders.PendingPayment: o.Verdict == 0 && o.Reason == "" && waits && o.AskAt != 0,
		orders.Paid:           o.Verdict != 0 && state != "" && (o.AskAt != 0) == (o.Round < 3) && (fits || o.Reason == orders.ReasonDiscrepant),
		orders.Refunding:      o.Reason != "" && o.AskAt != 0 && (o.Verdict == 0 || state != ""),
		orders.Failed:         o.Verdict != 0 && o.Reason != "" && state != "",
		orders.Refunded:       o.Verdict != 0 && o.Reason != "" && state == orders.PaymentCancelled && o.AskAt == 0,
	}[o.Status]
	if !right || o.Event < o.Verdict || o.Amount < 1 || o.Count < 1 {
		return fmt.Errorf("is %s with a payment %s", o.Status, state)
	}
	return nil
}

// duesOfOrders are the rechecks that are still to come.
func duesOfOrders(s *orders.State) (dues []string) {
	for _, id := range s.Orders() {
		if o := s.Order(id); o.AskAt != 0 {
			dues = append(dues, fmt.Sprintf("%020d %020d recheck %s", o.AskAt, o.Sequence, id))
		}
	}
	return dues
}

// checkVerdict proves of e, which the follower has just made so, that it is its user's first verdict on this order, and
// that the order keeps its verdict as long as it is theirs.
func (c *counter) checkVerdict(e domain.Event) error {
	o := c.follower.Orders.Order(e.Entity)
	if name, _ := e.Body.Type(); domain.Kind(name) != "orders" || o == nil {
		return nil
	}
	whose := o.ImpUID + " of " + o.User
	before := c.verdicts[whose]
	switch e.Body.(type) {
	case orders.Succeeded, orders.Unsuccessful:
		if before != 0 {
			return fmt.Errorf("%s heard a verdict before, by %d", whose, before)
		}
		before, c.verdicts[whose] = e.Number, e.Number
	}
	if o.Verdict != before {
		return fmt.Errorf("the verdict on %s is %d and not %d", whose, o.Verdict, before)
	}
	return nil
}
