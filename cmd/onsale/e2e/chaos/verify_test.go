// Verification of orders: the provider's payments, the API's orders and the log must agree to the won.

package chaos

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	api "onsale/http/client"
	"onsale/http/payments/portone/fakeportone"
)

// orderView is an order in the API; zero: there is none.
type orderView struct {
	OrderStatus, Reason, SalePostID, ScheduleID, ReservationID, CouponID string
	Count                                                                int
	ScheduleSeatIDs                                                      []int
	Amount                                                               int64
	Refunded                                                             *int64
}

func (m *orderWorkload) order(impUID string) (o orderView) {
	m.t.Helper()
	err := m.admin.Get(m.ctx, "/api/v1/orders/"+impUID, &o)
	if problem, ok := errors.AsType[*api.Problem](err); ok && problem.HTTPStatus == http.StatusNotFound {
		return o
	}
	if err != nil && m.ctx.Err() == nil {
		m.t.Errorf("%s: %v", impUID, err)
	}
	return o
}

// isSettled says that an order agrees with its payment, and that nothing is pending.
func isSettled(o orderView, p *fakeportone.Payment) bool {
	left := leftAmount(p)
	switch o.OrderStatus {
	case "PAID":
		return left == o.Amount && (left > 0 || p == nil)
	case "FAILED":
		return left == 0
	case "REFUNDED":
		return p == nil || o.Refunded != nil && left == p.Amount-*o.Refunded
	}
	return false
}

// leftAmount is what the shop has of a payment.
func leftAmount(p *fakeportone.Payment) int64 {
	if p == nil || p.PaidAt.IsZero() {
		return 0
	}
	return p.Amount - refundedAmount(p)
}

// refundedAmount is the sum of a payment's refunds.
func refundedAmount(p *fakeportone.Payment) (sum int64) {
	for _, c := range p.Cancels {
		sum += c.Amount
	}
	return sum
}

// waitSettled waits until every order agrees with its payment. Where one does not, its webhook is repeated: of all orders if urged,
// otherwise only of those with a result, which would be rechecked much later, and of payments without an order, for the same reason.
func (m *orderWorkload) waitSettled(urged bool) {
	m.t.Helper()
	open := map[string]orderView{} // as it was last seen
	for impUID := range m.payments() {
		open[impUID] = orderView{}
	}
	for round := 0; len(open) > 0; round++ {
		payments := m.payments()
		for impUID := range open {
			o := m.order(impUID)
			if m.ctx.Err() == nil {
				open[impUID] = o
			}
			if isSettled(o, payments[impUID]) {
				delete(open, impUID)
			} else if round%10 == 0 && (urged || o.OrderStatus == "" || isDecided(o)) {
				m.resendWebhook(impUID, payments[impUID])
			}
		}
		if len(open) > 0 && !harness.Sleep(m.ctx, 100*time.Millisecond) {
			for impUID, o := range open {
				m.t.Errorf("%s is not settled: the order is %+v, and the payment %+v", impUID, o, payments[impUID])
			}
			m.t.FailNow()
		}
	}
}

func isDecided(o orderView) bool {
	return o.OrderStatus == "PAID" || o.OrderStatus == "FAILED" || o.OrderStatus == "REFUNDED"
}

// reconcile compares sums, when every order is settled.
func (m *orderWorkload) reconcile() {
	m.t.Helper()
	var inOrders, kept int64
	cancels := 0
	reserved, couponsUsed, maybeUsed := map[string]int{}, map[string]int{}, map[string]bool{}
	sold, statuses := map[string]int{}, map[string]int{}
	for impUID, p := range m.payments() {
		o := m.order(impUID)
		if !isSettled(o, p) {
			m.t.Errorf("the order is %+v, and the payment %+v", o, p)
		}
		if o.OrderStatus == "PAID" {
			inOrders += o.Amount
			sold[o.SalePostID] += o.Count
			reserved[o.ScheduleID] += len(o.ScheduleSeatIDs)
		}
		if o.OrderStatus == "REFUNDED" && o.Amount == 0 { // a part of nothing gives no coupon back, all of it does
			maybeUsed[o.CouponID] = true
		}
		if o.OrderStatus == "REFUNDED" {
			kept += leftAmount(p)
		}
		if o.OrderStatus == "PAID" || o.OrderStatus == "REFUNDED" && leftAmount(p) > 0 {
			couponsUsed[o.CouponID]++
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
	if paid != inOrders+kept+refunded {
		m.t.Errorf("%d won were paid; %d are in paid orders, %d are kept and %d are refunded", paid, inOrders, kept, refunded)
	}
	m.checkSeats(reserved)
	m.checkCoupons(couponsUsed, maybeUsed)
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
		m.t.Error("violation at the provider: ", v)
	}
	m.t.Logf("%d won paid, %d in orders, %d kept, %d refunded; %d refunds by onsale", paid, inOrders, kept, refunded, cancels)
	for _, name := range slices.Sorted(maps.Keys(statuses)) {
		m.t.Logf("%6d %s", statuses[name], name)
	}
}

// checkOrders requires that each order has one result in the log, and that all its streams had it.
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
				count[describePlacement(e)]++
			case "orders.succeeded", "orders.failed":
				if first, twice := results[at]; twice {
					m.t.Errorf("%+v has the results %+v and %+v", at, first, e)
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
		m.t.Errorf("%d orders have %d results", len(placed), len(results))
	}
	for impUID, user := range foreignUser {
		if v := results[key{impUID, user}]; owner[impUID] == user || v.Data.Refunded != 0 {
			m.t.Errorf("%s was rejected as another's for %s, who owned it, or it was refunded: %+v", impUID, user, v)
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
				m.t.Errorf("the stream of %+v had %+v, the log has %+v", at, o.result, v)
			}
		}
	}
	for at := range placed {
		if !subscribed[at] {
			m.t.Errorf("order %+v was placed by no buyer", at)
		}
	}
	for _, w := range m.watchers {
		w.Verify(m.t, harness.UserFrames(history, userOf(w)))
	}
	m.t.Logf("%d orders, %d results, %d commands, %d connections of %d users", len(placed), len(results), len(history),
		totalConnects(m.watchers), len(m.watchers))
	for _, name := range slices.Sorted(maps.Keys(count)) {
		m.t.Logf("%6d %s", count[name], name)
	}
}

// describePlacement says what kind of order an event places.
func describePlacement(e harness.LogEvent) string {
	kind := "of a product"
	if e.Data.HoldID != "" {
		kind = "on a hold"
	}
	if e.Data.Late {
		kind = "on a hold that was over"
	}
	if e.Data.CouponID != "" {
		kind += ", with a coupon"
	}
	if e.Data.Amount == 0 {
		kind += ", free"
	}
	if e.RequestID == "" && e.Type == "orders.placed" {
		kind += ", placed by onsale"
	}
	return e.Type + " " + kind
}
