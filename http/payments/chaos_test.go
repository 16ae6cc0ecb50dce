package payments_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"onsale/domain/orders"
)

// Random orders and payments, a provider that fails a fifth of all requests in random ways, and a node that restarts in
// between: at the end every order is decided and no won is missing.
func TestChaos_KeepsBalance(t *testing.T) {
	const seed = 7
	numOrders := 120
	if longTests() {
		numOrders = 300
	}
	f := newFixture(t, newNode(t), numOrders/2)
	random := rand.New(rand.NewPCG(seed, 0))
	if err := f.fake.RandomFaults(seed, 0.2); err != nil {
		t.Fatal(err)
	}
	f.startWorker()
	var undeposited []string
	for i := range numOrders {
		ref := fmt.Sprintf("imp%d", i)
		switch kind := random.IntN(10); {
		case kind == 0:
			f.createPayment(ref, 700, "paid")
		case kind == 1:
			f.createPayment(ref, price, "failed")
		case kind < 4:
			f.createPayment(ref, price, "ready")
			undeposited = append(undeposited, ref)
		default:
			f.createPayment(ref, price, "paid")
		}
		f.submit("kim", ref, orderCommand("tee"))
		if i%100 == 60 {
			f.restart()
		}
		if random.IntN(20) == 0 {
			f.submit("admin", ref, orders.Cancel{Reason: "broken"})
		}
		if random.IntN(3) == 0 && len(undeposited) > 0 {
			if err := f.fake.Deposit(undeposited[0]); err != nil {
				t.Fatal(err)
			}
			undeposited = undeposited[1:]
		}
	}
	f.advance(61 * time.Second)
	f.restart()
	f.fake.ClearFaults()
	for _, ref := range undeposited {
		if err := f.fake.Deposit(ref); err != nil {
			t.Fatal(err)
		}
	}
	allDecided := func() bool {
		for _, ref := range f.refs {
			switch f.order(ref).Status {
			case orders.StatusVerifying, orders.StatusPendingPayment, orders.StatusRefunding:
				return false
			}
		}
		return true
	}
	for hours := 0; !allDecided(); hours++ { // the rules recheck what the worker gave up
		if hours > 20 {
			t.Fatal("an order is still undecided")
		}
		f.advance(time.Hour)
		waitFor(t, "the worker is idle", f.idle)
	}
	f.checkBalance()
	counts := map[orders.Status]int{}
	for _, ref := range f.refs {
		counts[f.order(ref).Status]++
	}
	t.Log(counts)
}
