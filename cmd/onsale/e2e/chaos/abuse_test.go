// Users who order with payments that they made up.

package chaos

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/payments/portone/fakeportone"
)

const (
	abuseHold          = 3 * time.Second // of the seats that the abusers hold
	abuseMissingWithin = 2 * time.Second
	abuseMaxOpen       = 3
	abuseSlack         = 20 * time.Second // of a busy machine
)

// Payments that nobody made hold units and seats no longer than missingWithin, although payWithin is an hour, and each user has only
// maxOpenOrders of them at a time. Meanwhile others buy.
func TestOrders_InventedPaymentsHoldLittle(t *testing.T) {
	t.Parallel()
	m := newOrderWorkload(t, 1_000, 200, 60*time.Second, abuseHold, "--payments-pay-within", "1h",
		"--payments-missing-within", abuseMissingWithin.String(), "--payments-max-open-orders", fmt.Sprint(abuseMaxOpen), "--payments-concurrency", "4")
	if err := m.provider.Fail("", fakeportone.Fault{Kind: fakeportone.Slow, Delay: 5 * time.Millisecond}, 0); err != nil {
		t.Fatal(err)
	}
	m.createHall("arena", halls["opera"], 1_000, 30*time.Second)
	began := time.Now()
	var honest sync.WaitGroup
	for i := range 20 {
		abuser := &buyer{chaosUser: m.addUser(fmt.Sprint("abuser", i)), workload: m}
		m.delayed.Go(func() {
			for n := range 3 * abuseMaxOpen {
				want, ok := abuser.holdSeats(1)
				if !ok || abuser.rng.IntN(2) == 0 {
					want = abuser.chooseProduct()
				}
				m.placeOrder(abuser.chaosUser, fmt.Sprintf("invented_%d_%d", i, n), want, true)
			}
		})
	}
	for i := range 10 {
		b := &buyer{chaosUser: m.addUser(fmt.Sprint("honest", i)), workload: m}
		m.watch("/subscribe/"+b.User, "")
		honest.Go(func() {
			for range 5 {
				want, ok := b.hold("arena", 2, map[string]any{"bestAvailable": map[string]any{"count": 2}})
				if !ok {
					t.Errorf("%s got no seats", b.User)
					return
				}
				impUID := b.startPayment(fakeportone.Payment{Amount: want.amount})
				b.placeOrder(impUID, want)
				for m.order(impUID).OrderStatus != "PAID" && harness.Sleep(m.ctx, 20*time.Millisecond) {
				}
			}
		})
	}
	honest.Wait()
	checkAbuse(t, m.finish(began, false, func() {}))
}

// checkAbuse follows the orders and holds through the log.
func checkAbuse(t *testing.T, history []harness.LogCommand) {
	open, placed, held := map[string]int{}, map[string]time.Time{}, map[string]time.Time{}
	rejected, bought := 0, 0
	var longestOrder, longestHold, slowest time.Duration
	for _, c := range history {
		for _, e := range c.Events {
			isAbuser := strings.HasPrefix(e.User, "abuser")
			switch e.Type {
			case "orders.placed":
				placed[e.Entity] = e.Now
				if open[e.User]++; open[e.User] > abuseMaxOpen {
					t.Errorf("%s: %s has %d orders without a result", e.EventID, e.User, open[e.User])
				}
			case "orders.failed":
				open[e.User]--
				longestOrder = max(longestOrder, e.Now.Sub(placed[e.Entity]))
				if !isAbuser || e.Data.Reason != "payment_not_found" {
					t.Errorf("order %s of %s failed: %s", e.Entity, e.User, e.Data.Reason)
				}
			case "orders.succeeded":
				open[e.User]--
				bought++
				slowest = max(slowest, e.Now.Sub(placed[e.Entity]))
			case "orders.rejected":
				if e.Data.Code != "too_many_open_orders" || !isAbuser {
					t.Errorf("an order of %s was rejected: %s", e.User, e.Data.Code)
				}
				rejected++
			case "seats.held":
				held[e.Data.HoldID] = e.Now
			case "seats.expired":
				longestHold = max(longestHold, e.Now.Sub(held[e.Data.HoldID]))
			}
		}
	}
	if rejected == 0 || bought != 50 {
		t.Errorf("%d orders too many and %d bought, want some and 50", rejected, bought)
	}
	if longestOrder > abuseMissingWithin+abuseSlack || longestHold > abuseHold+abuseMissingWithin+abuseSlack || slowest > abuseSlack {
		t.Errorf("an invented payment held for %s, seats for %s; an honest order took %s", longestOrder, longestHold, slowest)
	}
	t.Logf("%d orders were too many; an invented payment held for at most %s, seats for at most %s; honest orders took at most %s",
		rejected, longestOrder, longestHold, slowest)
}
