// The books of a market: what the provider has, what the shop says, and what the log says must be the same to the won.

package chaos

import (
	"maps"
	"slices"
	"strings"
	"time"

	"onsale/http/payments/portone/fakeportone"

	"onsale/cmd/onsale/e2e/harness"
)

// orderView is how an order is shown; the zero one: there is none.
type orderView struct {
	OrderStatus, Reason, SalePostID string
	Count                           int
	Amount                          int64
}

func (m *orderWorkload) order(impUID string) (o orderView) {
	m.t.Helper()
	if err := m.admin.Get(m.ctx, "/api/v1/orders/"+impUID, &o); err != nil && m.ctx.Err() == nil {
		m.t.Errorf("%s: %v", impUID, err)
	}
	return o
}

// isSettled says that an order, as it is shown, agrees with its payment, and that nothing is left to do.
func isSettled(o orderView, p *fakeportone.Payment) bool {
	left := int64(0)
	if p != nil && !p.PaidAt.IsZero() {
		left = p.Amount - refundedAmount(p)
	}
	switch o.OrderStatus {
	case "PAID":
		return left > 0 && left == o.Amount
	case "FAILED", "REFUNDED":
		return left == 0
	}
	return false
}

// refundedAmount is what has gone back of a payment.
func refundedAmount(p *fakeportone.Payment) (sum int64) {
	for _, c := range p.Cancels {
		sum += c.Amount
	}
	return sum
}

// waitSettled waits until every order agrees with its payment. The provider sends its webhooks once more where they do not: also to
// orders that wait for an answer if urged, and otherwise only to those with a verdict, which nothing else would wake soon.
func (m *orderWorkload) waitSettled(urged bool) {
	m.t.Helper()
	open := m.payments()
	for round := 0; len(open) > 0; round++ {
		payments := m.payments()
		for impUID := range open {
			o := m.order(impUID)
			if isSettled(o, payments[impUID]) {
				delete(open, impUID)
			} else if round%10 == 0 && (urged || o.OrderStatus == "PAID" || o.OrderStatus == "FAILED") {
				m.resendWebhook(impUID)
			}
		}
		if len(open) > 0 && !harness.Sleep(m.ctx, 100*time.Millisecond) {
			for impUID := range open {
				m.t.Errorf("%s does not come to rest: the payment is %+v", impUID, payments[impUID])
			}
			return
		}
	}
}

// reconcile adds up, while everything is at rest.
func (m *orderWorkload) reconcile() {
	m.t.Helper()
	var inOrders int64
	cancels := 0
	sold, statuses := map[string]int{}, map[string]int{}
	for impUID, p := range m.payments() {
		o := m.order(impUID)
		if !isSettled(o, p) {
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
		byUs := 0
		for _, c := range p.Cancels {
			if strings.HasPrefix(c.Reason, "onsale: ") {
				byUs++
			}
		}
		if cancels += byUs; byUs > 1 {
			m.t.Errorf("%s was cancelled %d times: %+v", impUID, byUs, p)
		}
	}
	paid, refunded := m.provider.Sums()
	if paid != inOrders+refunded {
		m.t.Errorf("%d won were paid; %d of them are in orders and %d have gone back", paid, inOrders, refunded)
	}
	for id, stock := range m.stock {
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

// What the log says of orders, beside what everybody was told.

// checkOrders wants of the past that each order has one verdict, and that everybody was told it, and nothing else.
func (m *orderWorkload) checkOrders(history []harness.LogCommand) {
	m.t.Helper()
	type key struct{ impUID, user string }
	results, placed, count := map[key]harness.LogEvent{}, map[key]bool{}, map[string]int{}
	owner, foreignUser := map[string]string{}, map[string]string{}
	for _, c := range history {
		for _, e := range c.Events {
			at := key{e.Entity, e.User}
			switch e.Type {
			case "orders.placed", "orders.rejected-paid":
				if placed[at] {
					m.t.Errorf("%s: %s is ordered by %s again", e.EventID, e.Entity, e.User)
				}
				placed[at], owner[e.Entity] = true, e.User
			case "orders.succeeded", "orders.failed":
				if first, twice := results[at]; twice {
					m.t.Errorf("%+v has the verdicts %+v and %+v", at, first, e)
				}
				results[at] = e
				if e.Data.Reason == "payment_of_another" {
					foreignUser[e.Entity] = e.User
				}
			}
			if strings.HasPrefix(e.Type, "orders.") {
				count[strings.TrimSpace(e.Type+" "+e.Data.Code+e.Data.Reason)]++
			}
		}
	}
	if len(results) != len(placed) {
		m.t.Errorf("%d orders have %d verdicts", len(placed), len(results))
	}
	for impUID, user := range foreignUser {
		if v := results[key{impUID, user}]; owner[impUID] == user || v.Data.Refunded != 0 {
			m.t.Errorf("%s was not %s's, and was never its owner's: %+v", impUID, user, v)
		}
	}
	subscribed := map[key]bool{}
	for _, o := range m.orders {
		at := key{o.impUID, o.user}
		subscribed[at] = true
		for _, fault := range o.faults {
			m.t.Errorf("the stream of %+v: %s", at, fault)
		}
		v := results[at]
		event := map[string]string{"orders.succeeded": "success", "orders.failed": "failure"}[v.Type]
		if o.result.ID != v.EventID || o.result.Event != event {
			if !o.lost || o.result.ID != "" {
				m.t.Errorf("the stream of %+v told %+v, the log has %+v", at, o.result, v)
			}
		}
	}
	for at := range placed {
		if !subscribed[at] {
			m.t.Errorf("nobody knows of the order %+v", at)
		}
	}
	for _, w := range m.watchers {
		w.verify(m.t, harness.UserFrames(history, userOf(w)))
	}
	m.t.Logf("%d orders, %d verdicts, %d commands, %d connections of %d users", len(placed), len(results), len(history),
		totalConnects(m.watchers), len(m.watchers))
	for _, name := range slices.Sorted(maps.Keys(count)) {
		m.t.Logf("%6d %s", count[name], name)
	}
}
