// Where the money is when the world has come to rest.
package shop_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
)

// TestMoney lets days of orders go by, at a bank that makes a mess and a worker that is late but follows its one rule: it
// gives back only what is REFUNDING and known. Then the bank comes to rest, the worker asks whenever it is time, and everybody
// has to have either what they paid for or their money.
func TestMoney(t *testing.T) {
	rng := chanceOf(t)
	stand, foreign, back, told := 0, 0, 0, map[string]int{}
	days := 200
	if os.Getenv("ONSALE_TEST_LONG") != "" {
		days = 5_000
	}
	for range days {
		d := newDouble(t, rng.IntN)
		d.twin, d.codes, d.pure, d.careful = newTwin(), told, false, false
		d.chance.onCancel = func(impUID string) {
			o := d.Orders.Order(impUID)
			if o.Status == orders.Paid || d.foreign(o, d.chance.says(impUID)) {
				t.Fatalf("the worker gives back what is %s of %s, %s", impUID, o.User, o.Status)
			}
		}
		for i := range 250 {
			d.arrive(d.chance.message())
			d.chance.asked++
			d.compare(d.chance.ofOrders(fmt.Sprint("u", rng.IntN(4)), fmt.Sprint("k", i)))
		}
		d.rest()
		if err := checkState(d.Shop); err != nil {
			t.Fatal(err)
		}
		for _, id := range d.Orders.Orders() {
			o, p := d.Orders.Order(id), d.chance.says(id)
			paid := o.Status == orders.Paid && p.Amount == o.Amount && p.Currency == o.Currency && (o.Reason == orders.ReasonDiscrepant) == (p.Cancelled > 0)
			switch {
			case p.Left() > 0 && d.foreign(o, p):
				foreign++
			case p.Left() > 0 && paid:
				stand++
			case p.Left() == 0 && o.Status == orders.Refunded:
				back++
			case p.Left() > 0 || o.Status != orders.Failed:
				t.Errorf("order %+v stands, but the bank says %+v", *o, p)
			}
		}
		d.checkReplay()
	}
	if stand == 0 || foreign == 0 || back == 0 {
		t.Errorf("%d paid, %d of others, %d given back prove nothing", stand, foreign, back)
	}
	for _, story := range []string{"orders.placed", "orders.kept", "orders.pending", "orders.succeeded", "orders.discrepant", "orders.cancelled",
		"orders.failed amount_mismatch", "orders.failed currency_mismatch", "orders.failed test_payment", "orders.failed payment_cancelled",
		"orders.failed payment_failed", "orders.failed payment_timeout", "orders.failed payment_not_found", "orders.failed payment_of_another",
		"orders.failed payment_not_prepared", "orders.failed order_cancelled", "orders.failed sold_out", "orders.failed product_closed",
		"orders.refund-due late_payment", "orders.refunded late_payment", "orders.refunded order_cancelled", "orders.refunded cancelled_at_provider"} {
		if told[story] == 0 {
			t.Errorf("chance never led to %s: it proves nothing about it", story)
		}
	}
}

// foreign says that the payment is for somebody else, from the bank's paper and the shop's.
func (d *double) foreign(o *orders.Order, p orders.Payment) bool {
	prepared := d.Orders.Preparation(p.MerchantUID)
	return prepared == nil && o.RequirePrepare || prepared != nil && prepared.User != o.User
}

// rest lets the bank tell everything that it has done, and then time go by until nobody is to be asked about any more. What the
// bank still does meanwhile, it tells.
func (d *double) rest() {
	for _, id := range slices.Clone(d.Orders.Orders()) {
		d.work(id)
	}
	for from := len(d.history); ; {
		at, more := d.NextDeadline()
		if !more {
			return
		}
		d.arrive(at)
		d.compare("", "", domain.SystemEntity, domain.Clock{})
		for ; from < len(d.history); from++ {
			if b, ok := d.history[from].Body.(orders.Recheck); ok {
				d.work(b.ImpUID)
			}
		}
		if all := d.Orders.Orders(); d.chance.draw(10) == 0 {
			id := all[d.chance.draw(len(all))]
			d.chance.move(d.chance, id)
			d.work(id)
		}
	}
}

// work is what the worker does about an order: it asks, has the shop learn, gives back what is to go back, and asks again.
func (d *double) work(impUID string) {
	for {
		o := d.Orders.Order(impUID)
		if o.Status == orders.Refunding && o.Payment != nil {
			d.chance.onCancel(impUID)
			d.chance.cancel(impUID, d.chance.says(impUID).Left())
		}
		before := d.Events
		d.compare("", "", impUID, orders.Learn{After: o.Event, Payment: d.chance.says(impUID)})
		if d.Events == before {
			return
		}
	}
}

// TestAskedForDays follows an order that failed, which is asked about fourteen times in eleven days and nine hours, and one
// that is paid, which is asked about three times in a week; and then never again.
func TestAskedForDays(t *testing.T) {
	for state, want := range map[string]struct {
		times int
		last  time.Duration
	}{
		orders.PaymentFailed: {14, (1<<14 - 1) * time.Minute},
		orders.PaymentPaid:   {3, 7 * 24 * time.Hour},
	} {
		c := newCounter(t)
		c.arrive(1000)
		c.ask("admin", "1", "tee", orders.Create{Name: "n", Price: 1, Stock: 1})
		c.ask("kim", "2", "imp", orders.Place{SalePostID: "tee", Count: 1, Amount: 1, Terms: orders.Terms{Currency: "KRW", PaySeconds: 1}})
		p := orders.Payment{State: state}
		if state == orders.PaymentPaid {
			p.Amount, p.Currency = 1, "KRW"
		}
		c.ask("", "", "imp", orders.Learn{After: 2, Payment: p})
		asked := 0
		for {
			at, more := c.NextDeadline()
			if !more {
				break
			}
			c.arrive(at)
			c.ask("", "", domain.SystemEntity, domain.Clock{})
			asked++
		}
		if got, last := c.Now, domain.Time(1000).Add(want.last); asked != want.times || got != last {
			t.Errorf("%s: asked %d times, the last at %s, want %d and %s", state, asked, got, want.times, last)
		}
	}
}
