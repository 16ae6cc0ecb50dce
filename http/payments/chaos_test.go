package payments_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"onsale/domain/orders"
)

// Everything at random and at once: orders and payments of all kinds, a provider that fails a fifth of all requests in any
// way, and a node that is started again in the middle. Then all is well, and nobody's won is missing.
func TestChaos(t *testing.T) {
	const seed, many = 7, 300
	c := newCounter(t, newNode(t), many/2)
	random := rand.New(rand.NewPCG(seed, 0))
	if err := c.fake.Chance(seed, 0.2); err != nil {
		t.Fatal(err)
	}
	c.open()
	var waiting []string
	for i := range many {
		ref := fmt.Sprintf("imp%d", i)
		switch kind := random.IntN(10); {
		case kind == 0:
			c.pays(ref, 700, "paid")
		case kind == 1:
			c.pays(ref, price, "failed")
		case kind < 4:
			c.pays(ref, price, "ready")
			waiting = append(waiting, ref)
		default:
			c.pays(ref, price, "paid")
		}
		c.put("kim", ref, place("tee"))
		if i%100 == 60 {
			c.restart()
		}
		if random.IntN(20) == 0 {
			c.put("shop", ref, orders.Cancel{Reason: "broken"})
		}
		if random.IntN(3) == 0 && len(waiting) > 0 {
			if err := c.fake.Deposit(waiting[0]); err != nil {
				t.Fatal(err)
			}
			waiting = waiting[1:]
		}
	}
	c.pass(61 * time.Second)
	c.restart()
	c.fake.Behave()
	for _, ref := range waiting {
		if err := c.fake.Deposit(ref); err != nil {
			t.Fatal(err)
		}
	}
	over := func() bool {
		for _, ref := range c.refs {
			switch c.order(ref).Status {
			case orders.Verifying, orders.PendingPayment, orders.Refunding:
				return false
			}
		}
		return true
	}
	for hours := 0; !over(); hours++ { // whatever was given up is asked about again when the rules say so
		if hours > 20 {
			t.Fatal("some order is never decided")
		}
		c.pass(time.Hour)
		until(t, "what there was to do is done", c.idle)
	}
	c.balance()
	counts := map[orders.Status]int{}
	for _, ref := range c.refs {
		counts[c.order(ref).Status]++
	}
	t.Log(counts)
}
