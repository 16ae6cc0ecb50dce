// Invariants of products and orders: a product's taken units are those of its orders, an order's status fits its other fields, and
// no user gets two results for an order.

package machine_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
)

func checkOrders(s *orders.State) error {
	taken, units, counts, open := map[string]int{}, map[[2]string]int{}, map[orders.Status]int{}, map[string]int{}
	for _, id := range s.Orders() {
		o := s.Order(id)
		counts[o.Status]++
		open[o.User] += 0 // users without an open order are compared, too
		if o.ResultEvent == 0 {
			open[o.User]++
		}
		if o.Status == orders.StatusVerifying || o.Status == orders.StatusPendingPayment || o.Status == orders.StatusPaid {
			taken[o.ProductID] += o.Count
			units[[2]string{o.ProductID, o.User}] += o.Count
		}
		if err := checkOrder(o); err != nil {
			return fmt.Errorf("order %s: %w: %+v", id, err, o)
		}
	}
	for _, id := range s.Products() {
		p := s.Product(id)
		remaining := p.Remaining()
		if p.Taken != taken[id] || remaining < 0 || remaining != p.Stock-p.Taken || (remaining == 0) != (p.SoldOutSequence != 0) {
			return fmt.Errorf("product %+v, but its orders have %d", p, taken[id])
		}
		ofUsers := 0
		for user, n := range p.UnitsOf() {
			if n != units[[2]string{id, user}] || n > p.PerUserLimit {
				return fmt.Errorf("%s has %d units of product %+v, but %d are counted", user, units[[2]string{id, user}], p, n)
			}
			ofUsers += n
		}
		if p.PerUserLimit > 0 && ofUsers != p.Taken {
			return fmt.Errorf("product %+v, but its users have %d", p, ofUsers)
		}
	}
	for user, n := range open {
		if s.OpenOrders(user) != n {
			return fmt.Errorf("%s has %d orders without a result, but %d are counted", user, n, s.OpenOrders(user))
		}
	}
	for _, status := range []orders.Status{orders.StatusVerifying, orders.StatusPendingPayment, orders.StatusPaid, orders.StatusRefunding, orders.StatusFailed, orders.StatusRefunded} {
		if s.Count(status) != counts[status] {
			return fmt.Errorf("%d orders are %s, but %d are counted", counts[status], status, s.Count(status))
		}
	}
	return nil
}

// checkOrder proves that an order's status fits its other fields.
func checkOrder(o *orders.Order) error {
	var state string
	if o.Payment != nil {
		state = o.Payment.State
	}
	matches := o.Reason == "" && state == orders.PaymentPaid && o.Payment.Amount == o.Amount && o.Payment.Cancelled == 0
	unpaid := state == orders.PaymentMissing || state == orders.PaymentWaiting
	consistent := map[orders.Status]bool{
		orders.StatusVerifying:      o.ResultEvent == 0 && o.Reason == "" && state == "" && o.RecheckAt != 0,
		orders.StatusPendingPayment: o.ResultEvent == 0 && o.Reason == "" && unpaid && o.RecheckAt != 0,
		orders.StatusPaid:           o.ResultEvent != 0 && state != "" && (o.RecheckAt != 0) == (o.RecheckCount < 3) && (matches || o.Reason == orders.ReasonDiscrepant),
		orders.StatusRefunding:      o.Reason != "" && o.RecheckAt != 0 && (o.ResultEvent == 0 || state != ""),
		orders.StatusFailed:         o.ResultEvent != 0 && o.Reason != "" && state != "",
		// Of one that was refunded in part, the provider may report something else since.
		orders.StatusRefunded: o.ResultEvent != 0 && o.Reason != "" && o.RecheckAt == 0 && (state == orders.PaymentCancelled && o.Kept == 0 || o.Kept > 0),
	}[o.Status]
	if o.IsFree() {
		consistent = o.Amount == 0 && o.RecheckAt == 0 && (state == orders.PaymentNone && (o.Status == orders.StatusPaid ||
			o.Status == orders.StatusRefunded && o.Reason != "") || o.Status == orders.StatusVerifying && state == "") // within its command
	}
	if !consistent || o.LastEvent < o.ResultEvent || o.Amount < 1 && !o.IsFree() || (o.Count < 1) == (o.HoldID == "") {
		return fmt.Errorf("status %s with payment state %q", o.Status, state)
	}
	return nil
}

// orderDeadlines are the next rechecks, of orders and of preparations that have no order which did not fail.
func orderDeadlines(s *orders.State) (deadlines []string) {
	ordered := map[string]bool{}
	for _, id := range s.Orders() {
		o := s.Order(id)
		if o.RecheckAt != 0 {
			deadlines = append(deadlines, fmt.Sprintf("%020d %020d recheck %s", o.RecheckAt, o.Sequence, id))
		}
		if p := s.Preparation(o.PreparedAs()); p != nil && p.User == o.User && o.Status != orders.StatusFailed {
			ordered[p.MerchantUID] = true
		}
	}
	for _, uid := range s.Preparations() {
		if p := s.Preparation(uid); p.AskAt != 0 && !ordered[uid] {
			deadlines = append(deadlines, fmt.Sprintf("%020d %020d preparation %s", p.AskAt, p.Sequence, uid))
		}
	}
	return deadlines
}

// checkResult proves that e, which the replica has just applied, is its user's first result for this order, and that the order
// keeps its result as long as it is theirs.
func (c *fixture) checkResult(e domain.Event) error {
	o := c.replica.Orders.Order(e.Entity)
	if name, _ := e.Body.Type(); domain.Kind(name) != "orders" || o == nil {
		return nil
	}
	key := o.PaymentID + " of " + o.User
	before := c.results[key]
	switch e.Body.(type) {
	case orders.Succeeded, orders.Failed:
		if before != 0 {
			return fmt.Errorf("%s had a result before, event %d", key, before)
		}
		before, c.results[key] = e.Number, e.Number
	}
	if o.ResultEvent != before {
		return fmt.Errorf("the result of %s is event %d, want %d", key, o.ResultEvent, before)
	}
	return nil
}
