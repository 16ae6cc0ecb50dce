package payments_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments"
	"onsale/http/portone/fake"
	"onsale/projections"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// wakes is what wakes a worker about an order, as it stands.
func (c *counter) wakes(ref string) domain.Event {
	return domain.Event{Number: c.Confirmed(), Entity: ref, Body: orders.Recheck{ImpUID: ref}}
}

// refunding is an order of which the money has to go back, and nobody has begun with it.
func (c *counter) refunding(ref string) {
	c.tb.Helper()
	c.pays(ref, 700, "paid")
	c.put("kim", ref, place("tee"))
	c.settle()
	if again := c.hire().Do(c.tb.Context(), c.wakes(ref), 1); again > 0 || c.order(ref).Status != orders.Refunding {
		c.tb.Fatalf("it is %s", c.order(ref).Status)
	}
}

// Two nodes begin with the same refund at the same moment, again and again. The money goes back once.
func TestWorker_TwoNodes(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	l := &lapse{at: map[uint64]domain.Time{}}
	var nodes [2]*node
	for i := range nodes {
		log := streamtest.Open(t, streams.Config{URLs: servers.URLs, Node: fmt.Sprint("n", i), Replicas: 1,
			CommandsMaxBytes: 64 << 20, EventsMaxBytes: 64 << 20, Log: quiet(t)})
		nodes[i] = nodeOn(t, log, l)
	}
	c := newCounter(t, nodes[0], 1000)
	other := &counter{node: nodes[1], client: c.client, second: c.second}
	workers := []*payments.Worker{c.hire(), other.hire()}
	for i := range 30 {
		ref := fmt.Sprint("imp", i)
		c.refunding(ref)
		e := c.wakes(ref)
		var group sync.WaitGroup
		for _, worker := range workers {
			group.Go(func() {
				for given := uint64(1); worker.Do(t.Context(), e, given) > 0; given++ {
				}
			})
		}
		group.Wait()
		c.settle()
		if o := c.order(ref); o.Status != orders.Refunded || len(c.fake.Cancels(ref)) != 1 {
			t.Errorf("%s is %s, and was given back %d times", ref, o.Status, len(c.fake.Cancels(ref)))
		}
	}
	c.balance()
}

// The shop cancels an order while the provider is just asked about it: what was heard is too old, and is asked again.
func TestWorker_Stale(t *testing.T) {
	c := newCounter(t, newNode(t), 1)
	c.pays("imp1", price, "paid")
	c.put("kim", "imp1", place("tee"))
	c.settle()
	asked := 0
	c.fake.Plan(func(route string, n int) fake.Fault {
		if route == "get" {
			if asked++; asked == 1 {
				c.put("shop", "imp1", orders.Cancel{Reason: "broken"})
				c.settle()
			}
		}
		return fake.Fault{}
	})
	if again := c.hire().Do(t.Context(), c.wakes("imp1"), 1); again > 0 {
		t.Fatal(again)
	}
	o := c.order("imp1")
	if asked != 2 || o.Status != orders.Refunding || o.Payment == nil || o.Reason != orders.ReasonShop {
		t.Errorf("asked %d times, and it is %+v", asked, o)
	}
	c.open()
	c.becomes("imp1", orders.Refunded)
	c.close()
	c.balance()
}

// The provider is away. It is left alone, nothing is begun, and when it is back everything is done that has come meanwhile.
func TestWorker_Away(t *testing.T) {
	c := newCounter(t, newNode(t), 1000)
	if err := c.fake.Fail("", fake.Fault{Kind: fake.Error}, 0); err != nil {
		t.Fatal(err)
	}
	c.second = 100 * time.Millisecond
	c.open()
	for i := range 200 {
		ref := fmt.Sprint("imp", i)
		c.pays(ref, price, "paid")
		c.put("kim", ref, place("tee"))
	}
	worker := c.worker.Load()
	until(t, "the provider is left alone", func() bool { return worker.Figures().Away })
	ctx, cancel := context.WithCancel(t.Context())
	gate := make(chan struct{})
	go func() { defer close(gate); worker.Gate(ctx) }()
	cancel()
	<-gate
	before := time.Now()
	c.fake.Behave()
	for _, ref := range c.refs {
		c.becomes(ref, orders.Paid)
	}
	t.Logf("everything is done %s after it is back", time.Since(before))
	if worker.Figures().Away {
		t.Error("it still counts as away")
	}
	c.close()
	c.balance()
}

// Thousands say that something happened to one payment, and to some that nobody knows, while it is being asked about.
func TestWorker_HintsFlood(t *testing.T) {
	c := newCounter(t, newNode(t), 1)
	c.pays("imp1", price, "ready")
	c.put("kim", "imp1", place("tee"))
	c.settle()
	worker := c.hire()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { worker.Run(ctx) })
	defer running.Wait()
	defer cancel()
	began, over := make(chan struct{}), make(chan struct{})
	c.fake.Plan(func(route string, n int) fake.Fault {
		if route == "get" && n == 1 {
			close(began)
			<-over
		}
		return fake.Fault{}
	})
	worker.Look("imp1")
	<-began
	for i := range 10_000 {
		worker.Look("imp1")
		worker.Look(fmt.Sprint("nobodys", i))
	}
	close(over)
	until(t, "everything is looked at", worker.Idle)
	f := worker.Figures()
	if gets := f.Asked[payments.Asked{What: "get", Outcome: "yes"}]; gets != 2 {
		t.Errorf("the provider was asked %d times, want twice: once when the flood began, once behind it", gets)
	}
	if len(f.Asked) != 1 || f.Learnt != 1 {
		t.Errorf("got %+v", f)
	}
	t.Logf("%d of 10,001 hints were dropped", f.HintsDropped)
}

// A hint about a paid order has nobody behind it: no deadline will ask again. So it is tried until the provider answers.
func TestWorker_HintIsTriedAgain(t *testing.T) {
	c := newCounter(t, newNode(t), 1)
	c.open()
	c.pays("imp1", price, "paid")
	c.put("kim", "imp1", place("tee"))
	c.becomes("imp1", orders.Paid)
	if err := c.fake.Fail("get", fake.Fault{Kind: fake.ErrorAfter}, 3); err != nil {
		t.Fatal(err)
	}
	if err := c.fake.CancelAtConsole("imp1", 0); err != nil {
		t.Fatal(err)
	}
	c.becomes("imp1", orders.Refunded)
	c.close()
	c.balance()
}

// The node ends when the money has gone back, before it is written down. Its next life finds that out, and gives nothing
// back a second time.
func TestWorker_EndsWithinRefund(t *testing.T) {
	c := newCounter(t, newNode(t), 1)
	c.refunding("imp1")
	ctx, end := context.WithCancel(t.Context())
	config := payments.Config{Provider: c.client, Projector: c.Projector, Log: c.logs,
		Append: func(context.Context, domain.Command) (uint64, error) { end(); return 0, ctx.Err() }}
	payments.New(config).Do(ctx, c.wakes("imp1"), 1)
	if got := c.order("imp1").Status; got != orders.Refunding || len(c.fake.Cancels("imp1")) != 1 {
		t.Fatalf("it is %s, and was given back %d times", got, len(c.fake.Cancels("imp1")))
	}
	c.givesBackOnce("imp1")
}

// A node ends while the provider gives the money back, and nobody waits for its answer.
func TestWorker_EndsWithinCancel(t *testing.T) {
	c := newCounter(t, newNode(t), 1)
	c.refunding("imp1")
	ctx, end := context.WithCancel(t.Context())
	c.fake.Plan(func(route string, n int) fake.Fault {
		if route == "cancel" && n == 1 {
			end()
		}
		return fake.Fault{}
	})
	if again := c.hire().Do(ctx, c.wakes("imp1"), 1); again > 0 {
		t.Error("who ends does not ask for an event once more")
	}
	c.givesBackOnce("imp1")
}

// What no payment can be is not written into the log over and over, however often it is heard.
func TestWorker_HearsNonsense(t *testing.T) {
	c := newCounter(t, newNode(t), 1)
	c.pays("imp1", price, "paid")
	for name, spoil := range map[string]func(*fake.Payment){
		"nothing was paid": func(p *fake.Payment) { p.Amount = 0 },
		"an endless order": func(p *fake.Payment) { p.MerchantUID = fmt.Sprintf("%01000d", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			good := c.fake.Payments()[0]
			if err := c.fake.Tamper("imp1", spoil); err != nil {
				t.Fatal(err)
			}
			c.put("kim", "imp1", place("tee"))
			c.settle()
			worker := c.hire()
			if again := worker.Do(t.Context(), c.wakes("imp1"), 1); again == 0 || c.order("imp1").Status != orders.Verifying {
				t.Errorf("again %s, and it is %s", again, c.order("imp1").Status)
			}
			if again := worker.Do(t.Context(), c.wakes("imp1"), 8); again > 0 || worker.Figures().Learnt > 0 {
				t.Errorf("again %s after all tries, %d learnt", again, worker.Figures().Learnt)
			}
			if err := c.fake.Tamper("imp1", func(p *fake.Payment) { *p = good }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

var errStaged = errors.New("staged")

// A node that has stopped deciding begins nothing, and gives back what it has.
func TestWorker_Halted(t *testing.T) {
	c := newCounter(t, newNode(t), 1)
	c.pays("imp1", price, "paid")
	c.put("kim", "imp1", place("tee"))
	c.settle()
	c.stop()
	p, _, err := projections.Open(t.Context(), projections.Config{
		Path: c.path, Log: c.log, Epoch: c.log.Epoch(), Tell: func([]projections.Told) {}, KeepOutbox: time.Second, Logger: c.logs,
		Commands: func(context.Context, uint64) (projections.Commands, error) { return nil, errStaged },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_ = p.Run(t.Context()) // returns at once
	if p.Status().Halted == "" {
		t.Fatal("it is not halted")
	}
	c.Projector = p
	worker := c.hire()
	if again := worker.Do(t.Context(), c.wakes("imp1"), 20); again == 0 {
		t.Error("it says that it is done with an event")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if worker.Gate(ctx); ctx.Err() == nil {
		t.Error("it goes on to take events")
	}
}
