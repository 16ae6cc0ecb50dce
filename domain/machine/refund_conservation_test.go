// Conservation of money: in the end every user has either paid for an order or got the money back.

package machine_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
)

// TestOrder_ConservesMoney runs random orders, payments and refunds, with a worker that is late but refunds only what is REFUNDING
// and known. Then the provider changes no more, the worker asks at every recheck, and every order has to be paid or
// refunded.
func TestOrder_ConservesMoney(t *testing.T) {
	rng := newRand(t)
	paidCount, foreign, refunded, counts := 0, 0, 0, map[string]int{}
	runs := 200
	if longTests() {
		runs = 5_000
	}
	for range runs {
		d := newModelCheck(t, rng.IntN)
		d.model, d.codes, d.checkReplica, d.checkEveryEvent = newModel(), counts, false, false
		d.generator.beforeRefund = func(impUID string) {
			o := d.Orders.Order(impUID)
			if o.Status == orders.StatusPaid || d.IsForeign(o, d.generator.lookup(impUID)) {
				t.Fatalf("the worker refunds %s of %s, which is %s", impUID, o.User, o.Status)
			}
		}
		for i := range 250 {
			d.nextMessage(d.generator.nextTime())
			d.generator.count++
			d.check(d.generator.orderCommand(fmt.Sprint("u", rng.IntN(4)), fmt.Sprint("k", i)))
		}
		d.settleAll()
		if err := checkState(d.Machine); err != nil {
			t.Fatal(err)
		}
		for _, id := range d.Orders.Orders() {
			o, p := d.Orders.Order(id), d.generator.lookup(id)
			if o.IsFree() {
				continue
			}
			paid := o.Status == orders.StatusPaid && p.Amount == o.Amount && p.Currency == o.Currency && (o.Reason == orders.ReasonDiscrepant) == (p.Cancelled > 0)
			switch {
			case p.Refundable() > 0 && d.IsForeign(o, p):
				foreign++
			case p.Refundable() > 0 && paid:
				paidCount++
			case p.Refundable() == o.Kept && o.Status == orders.StatusRefunded: // an admin may keep a part
				refunded++
			case p.Refundable() > 0 || o.Status != orders.StatusFailed:
				t.Errorf("order %+v, but payment %+v", *o, p)
			}
		}
		d.checkReplay()
	}
	if paidCount == 0 || foreign == 0 || refunded == 0 {
		t.Errorf("%d paid, %d of other users, %d refunded: the test proves nothing", paidCount, foreign, refunded)
	}
	for _, outcome := range []string{"orders.placed", "orders.rejected-paid", "orders.pending", "orders.succeeded", "orders.discrepant", "orders.cancelled",
		"orders.failed amount_mismatch", "orders.failed currency_mismatch", "orders.failed test_payment", "orders.failed payment_cancelled",
		"orders.failed payment_failed", "orders.failed payment_timeout", "orders.failed payment_not_found", "orders.failed payment_of_another",
		"orders.failed payment_not_prepared", "orders.failed order_cancelled", "orders.failed sold_out", "orders.failed user_limit_exceeded", "orders.failed product_closed",
		"orders.refund-due late_payment", "orders.refunded late_payment", "orders.refunded order_cancelled", "orders.refunded cancelled_at_provider"} {
		if counts[outcome] == 0 {
			t.Errorf("no order led to %s", outcome)
		}
	}
}

// IsForeign says that the payment is another user's.
func (d *modelCheck) IsForeign(o *orders.Order, p orders.Payment) bool {
	prepared := d.Orders.Preparation(p.MerchantUID)
	return prepared == nil && o.RequirePrepare || prepared != nil && prepared.User != o.User
}

// settleAll reconciles all orders, and again at every recheck until there are none. Now and then a payment changes meanwhile,
// and is reconciled.
func (d *modelCheck) settleAll() {
	for _, id := range slices.Clone(d.Orders.Orders()) {
		d.reconcile(id)
	}
	for seen := len(d.events); ; {
		at, more := d.NextDeadline()
		if !more {
			return
		}
		d.nextMessage(at)
		d.check("", "", domain.SystemEntity, domain.Tick{})
		for ; seen < len(d.events); seen++ {
			if b, ok := d.events[seen].Body.(orders.Recheck); ok {
				d.reconcile(b.PaymentID)
			}
		}
		if all := d.Orders.Orders(); d.generator.intN(10) == 0 {
			id := all[d.generator.intN(len(all))]
			d.generator.advance(d.generator, id)
			d.reconcile(id)
		}
	}
}

// reconcile is what the worker does about an order: it asks the provider, records the answer, refunds, and asks again.
func (d *modelCheck) reconcile(id string) {
	for {
		o := d.Orders.Order(id)
		if o.Status == orders.StatusRefunding && o.Payment != nil {
			d.generator.beforeRefund(id)
			d.generator.refund(id, max(0, d.generator.lookup(id).Refundable()-o.Kept))
		}
		before := d.LastEvent
		d.check("", "", id, orders.RecordPayment{LastEvent: o.LastEvent, Payment: d.generator.lookup(id)})
		if d.LastEvent == before {
			return
		}
	}
}

// TestOrder_RechecksForDays counts rechecks: a failed order has fourteen in eleven days and nine hours, a paid one three in a week.
func TestOrder_RechecksForDays(t *testing.T) {
	for state, want := range map[string]struct {
		times int
		last  time.Duration
	}{
		orders.PaymentFailed: {14, (1<<14 - 1) * time.Minute},
		orders.PaymentPaid:   {3, 7 * 24 * time.Hour},
	} {
		c := newFixture(t)
		c.nextMessage(1000)
		c.submit("admin", "1", "tee", orders.Create{Name: "n", Price: 1, Stock: 1})
		c.submit("kim", "2", "imp", orders.Place{ProductID: "tee", Count: 1, Amount: 1, Terms: orders.Terms{Currency: "KRW", PaySeconds: 1}})
		p := orders.Payment{State: state}
		if state == orders.PaymentPaid {
			p.Amount, p.Currency = 1, "KRW"
		}
		c.submit("", "", "imp", orders.RecordPayment{LastEvent: 2, Payment: p})
		rechecks := 0
		for {
			at, more := c.NextDeadline()
			if !more {
				break
			}
			c.nextMessage(at)
			c.submit("", "", domain.SystemEntity, domain.Tick{})
			rechecks++
		}
		if got, last := c.Now, domain.Time(1000).Add(want.last); rechecks != want.times || got != last {
			t.Errorf("%s: %d rechecks, the last at %s, want %d and %s", state, rechecks, got, want.times, last)
		}
	}
}
