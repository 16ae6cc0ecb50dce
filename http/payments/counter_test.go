package payments_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments"
	"onsale/http/portone/fake"
	"onsale/streams"
)

// counter is a shop that sells tees, with a provider and, while it is open, a worker that has its events from the log.
type counter struct {
	*node
	fake   *fake.Server
	refs   []string // of all payments
	client client
	second time.Duration // of the worker
	atOnce int

	worker atomic.Pointer[payments.Worker]
	close  func()
	undone sync.Map      // numbers of events that the worker wants to have once more
	last   atomic.Uint64 // event that it was given
}

// newCounter has webhooks sent to it. It is not open yet.
func newCounter(tb testing.TB, n *node, units int) *counter {
	tb.Helper()
	c := &counter{node: n, fake: fake.New(), second: 10 * time.Millisecond, atOnce: 64, close: func() {}}
	mux := http.NewServeMux()
	mux.Handle("/", c.fake)
	mux.HandleFunc("POST /hook", c.hook)
	url := serve(tb, mux)
	c.client = open(tb, "v1", url, c.fake)
	if err := c.fake.SendWebhooks(fake.Webhooks{URL: url + "/hook"}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.close() })
	n.put("shop", "tee", orders.Create{Name: "tee", Price: price, Stock: units})
	n.settle()
	return c
}

func (c *counter) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if hint, err := c.client.Hint(r.Header, body); err == nil {
		if worker := c.worker.Load(); worker != nil {
			worker.Look(hint.Ref)
		}
	}
}

// hire makes a worker that is told nothing yet.
func (c *counter) hire() *payments.Worker {
	config := payments.Config{Provider: c.client, Append: c.log.Append, Projector: c.Projector, Log: c.logs}
	config.SetSecond(c.second)
	return payments.New(config)
}

// open has a worker of this counter work until close.
func (c *counter) open() {
	worker := c.hire()
	c.worker.Store(worker)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { worker.Run(ctx) })
	group.Go(func() {
		err := c.log.Work(ctx, streams.Work{
			Name: "payments", Kinds: []string{"orders", "products"}, AtOnce: c.atOnce, Gate: worker.Gate,
			Do: func(ctx context.Context, e domain.Event, given uint64) time.Duration {
				return c.do(ctx, worker, e, given)
			},
		})
		if err != nil {
			c.tb.Error(err)
		}
	})
	c.close = sync.OnceFunc(func() {
		cancel()
		group.Wait()
	})
}

// do remembers what is not done.
func (c *counter) do(ctx context.Context, worker *payments.Worker, e domain.Event, given uint64) time.Duration {
	c.undone.Store(e.Number, true)
	for last := c.last.Load(); last < e.Number && !c.last.CompareAndSwap(last, e.Number); last = c.last.Load() {
	}
	again := worker.Do(ctx, e, given)
	if again == 0 && ctx.Err() == nil {
		c.undone.Delete(e.Number)
	}
	return again
}

// idle says that everything is done that is to be done before more time has passed.
func (c *counter) idle() bool {
	var last uint64
	for _, ref := range c.refs {
		last = max(last, c.LastOfEntity("orders", ref))
	}
	idle := c.last.Load() >= last && c.worker.Load().Idle()
	c.undone.Range(func(any, any) bool { idle = false; return false })
	return idle
}

// restart ends worker and projector, and begins their next life.
func (c *counter) restart() {
	c.close()
	c.stop()
	c.start()
	c.open()
}

// pays begins a payment at the provider.
func (c *counter) pays(ref string, amount int64, status string) {
	c.tb.Helper()
	c.refs = append(c.refs, ref)
	p := fake.Payment{ImpUID: ref, MerchantUID: "of-" + ref, Amount: amount, Status: status, Method: "vbank"}
	if _, err := c.fake.Create(p); err != nil {
		c.tb.Fatal(err)
	}
}

// givesBackOnce lets another life begin, which finds the order REFUNDING and its money gone.
func (c *counter) givesBackOnce(ref string) {
	c.tb.Helper()
	c.restart()
	c.becomes(ref, orders.Refunded)
	c.close()
	if cancels := c.fake.Cancels(ref); len(cancels) != 1 {
		c.tb.Errorf("got %+v", cancels)
	}
	c.balance()
}

// becomes waits until an order stands so.
func (c *counter) becomes(ref string, status orders.Status) {
	c.tb.Helper()
	until(c.tb, ref+" is "+string(status), func() bool { return c.order(ref).Status == status })
}

// balance wants the money at the provider to be that of the orders which are paid, and each order to have one verdict.
func (c *counter) balance() {
	c.tb.Helper()
	c.settle()
	verdicts := map[string]int{}
	for record, err := range c.log.Records(c.tb.Context(), 1, "") {
		if err != nil {
			c.tb.Fatal(err)
		}
		e, err := c.log.DecodeEvent(record)
		if err != nil {
			c.tb.Fatal(err)
		}
		switch e.Body.(type) {
		case orders.Succeeded, orders.Unsuccessful:
			verdicts[e.Entity]++
		}
		if e.Number == c.Confirmed() {
			break
		}
	}
	var due int64
	taken := 0
	for _, ref := range c.refs {
		o := c.order(ref)
		if o.Status == orders.Paid {
			due += o.Amount
			taken += o.Count
		}
		if verdicts[ref] != 1 {
			c.tb.Errorf("%s is %s, and has %d verdicts", ref, o.Status, verdicts[ref])
		}
	}
	if paid, refunded := c.fake.Sums(); paid != due+refunded {
		c.tb.Errorf("%d came in and %d went back; %d are due for the orders that are paid", paid, refunded, due)
	}
	if p := c.product("tee"); p.Taken != taken {
		c.tb.Errorf("%d units are taken, and %d paid", p.Taken, taken)
	}
	behaved(c.tb, c.fake)
}
