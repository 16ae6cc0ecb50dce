// The books of a market: what the provider has, what the shop says, and what the log says must be the same to the won.

package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"onsale/http/portone/fake"
)

// orderShown is how an order is shown; the zero one: there is none.
type orderShown struct {
	OrderStatus, Reason, SalePostID string
	Count                           int
	Amount                          int64
}

func (m *market) order(impUID string) (o orderShown) {
	m.t.Helper()
	if err := m.admin.Get(m.ctx, "/api/v1/orders/"+impUID, &o); err != nil && m.ctx.Err() == nil {
		m.t.Errorf("%s: %v", impUID, err)
	}
	return o
}

// settled says that an order, as it is shown, agrees with its payment, and that nothing is left to do.
func settled(o orderShown, p *fake.Payment) bool {
	left := int64(0)
	if p != nil && !p.PaidAt.IsZero() {
		left = p.Amount - returned(p)
	}
	switch o.OrderStatus {
	case "PAID":
		return left > 0 && left == o.Amount
	case "FAILED", "REFUNDED":
		return left == 0
	}
	return false
}

// returned is what has gone back of a payment.
func returned(p *fake.Payment) (sum int64) {
	for _, c := range p.Cancels {
		sum += c.Amount
	}
	return sum
}

// rest waits until every order agrees with its payment. The provider sends its webhooks once more where they do not: also to
// orders that wait for an answer if urged, and otherwise only to those with a verdict, which nothing else would wake soon.
func (m *market) rest(urged bool) {
	m.t.Helper()
	open := m.payments()
	for round := 0; len(open) > 0; round++ {
		payments := m.payments()
		for impUID := range open {
			o := m.order(impUID)
			if settled(o, payments[impUID]) {
				delete(open, impUID)
			} else if round%10 == 0 && (urged || o.OrderStatus == "PAID" || o.OrderStatus == "FAILED") {
				m.nudge(impUID)
			}
		}
		if len(open) > 0 && !pause(m.ctx, 100*time.Millisecond) {
			for impUID := range open {
				m.t.Errorf("%s does not come to rest: the payment is %+v", impUID, payments[impUID])
			}
			return
		}
	}
}

// balance adds up, while everything is at rest.
func (m *market) balance() {
	m.t.Helper()
	var inOrders int64
	cancels := 0
	sold, statuses := map[string]int{}, map[string]int{}
	for impUID, p := range m.payments() {
		o := m.order(impUID)
		if !settled(o, p) {
			m.t.Errorf("the order is %+v, and the payment %+v", o, p)
		}
		if o.OrderStatus == "PAID" {
			inOrders += o.Amount
			sold[o.SalePostID] += o.Count
		}
		statuses[strings.TrimSpace(o.OrderStatus+" "+o.Reason)]++
		if p == nil {
			continue
		}
		ours := 0
		for _, c := range p.Cancels {
			if strings.HasPrefix(c.Reason, "onsale: ") {
				ours++
			}
		}
		if cancels += ours; ours > 1 {
			m.t.Errorf("%s was cancelled %d times: %+v", impUID, ours, p)
		}
	}
	paid, refunded := m.provider.Sums()
	if paid != inOrders+refunded {
		m.t.Errorf("%d won were paid; %d of them are in orders and %d have gone back", paid, inOrders, refunded)
	}
	for id, stock := range m.shelf {
		var shown struct{ Stock, Remaining int }
		if err := m.admin.Get(m.ctx, "/api/v1/products/"+id, &shown); err != nil {
			m.t.Error(err)
		}
		if shown.Stock != stock || shown.Remaining+sold[id] != stock {
			m.t.Errorf("of %d units of %s, %d are sold, and it is shown as %+v", stock, id, sold[id], shown)
		}
	}
	for _, v := range m.provider.Violations() {
		m.t.Error("the provider complains: ", v)
	}
	m.t.Logf("%d won paid, %d in orders, %d gone back; %d cancellations by onsale", paid, inOrders, refunded, cancels)
	for _, name := range slices.Sorted(maps.Keys(statuses)) {
		m.t.Logf("%6d %s", statuses[name], name)
	}
}
