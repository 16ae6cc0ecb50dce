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
	"onsale/http/payments/portone/fakeportone"
	"onsale/streams"
)

// fixture sells the product "tee", with a fake provider and, between startWorker and stopWorker, a worker on the log's events.
type fixture struct {
	*node
	fake        *fakeportone.Server
	refs        []string // of all payments
	client      payments.Provider
	timeUnit    time.Duration // of the worker
	concurrency int
	maxWaiting  int // 0: as in production
	appendTo    func(context.Context, domain.Command) (uint64, error)

	worker     atomic.Pointer[payments.Worker]
	stopWorker func()
	consumers  [2]consumer
}

// consumer is one of a worker's.
type consumer struct {
	unfinished sync.Map      // numbers of events that the worker has not finished
	lastEvent  atomic.Uint64 // the highest number that the worker got
}

// newFixture gets the provider's webhooks. No worker runs yet.
func newFixture(tb testing.TB, n *node, units int) *fixture {
	tb.Helper()
	f := &fixture{node: n, fake: fakeportone.New(), timeUnit: 10 * time.Millisecond, concurrency: 64, appendTo: n.log.Append, stopWorker: func() {}}
	mux := http.NewServeMux()
	mux.Handle("/", f.fake)
	mux.HandleFunc("POST /hook", f.webhook)
	url := serve(tb, mux)
	f.client = newClient(tb, "v1", url, f.fake)
	if err := f.fake.SendWebhooks(fakeportone.Webhooks{URL: url + "/hook"}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.stopWorker() })
	n.submit("admin", "tee", orders.Create{Name: "tee", Price: price, Stock: units})
	n.waitCaughtUp()
	return f
}

func (f *fixture) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if hook, err := f.client.ParseWebhook(r.Header, body); err == nil {
		if worker := f.worker.Load(); worker != nil {
			worker.Notify(hook)
		}
	}
}

// newWorker makes a worker that gets no events.
func (f *fixture) newWorker() *payments.Worker {
	config := payments.Config{Provider: f.client, Append: f.appendTo, Projector: f.Projector, Logger: f.logger, Concurrency: f.concurrency}
	config.SetTimeUnit(f.timeUnit)
	config.SetMaxWaiting(f.maxWaiting)
	return payments.New(config)
}

// startWorker runs a worker until stopWorker.
func (f *fixture) startWorker() {
	worker := f.newWorker()
	f.worker.Store(worker)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { worker.Run(ctx) })
	consume := func(c *consumer, name string, concurrency int, handle handler) {
		err := f.log.ConsumeEvents(ctx, streams.ConsumerConfig{
			Name: name, Kinds: payments.Kinds, Concurrency: concurrency, WaitReady: worker.WaitReady, Handle: c.track(handle),
		})
		if err != nil {
			f.tb.Error(err)
		}
	}
	group.Go(func() { consume(&f.consumers[0], payments.ConsumerName, payments.MaxEvents, worker.Handle) })
	group.Go(func() {
		consume(&f.consumers[1], payments.BackgroundConsumerName, payments.MaxBackground, worker.HandleBackground)
	})
	f.stopWorker = sync.OnceFunc(func() {
		cancel()
		group.Wait()
	})
}

type handler = func(ctx context.Context, e domain.Event, attempt uint64) (retryAfter time.Duration)

// track keeps track of unfinished events.
func (c *consumer) track(handle handler) handler {
	return func(ctx context.Context, e domain.Event, attempt uint64) time.Duration {
		c.unfinished.Store(e.Number, true)
		for last := c.lastEvent.Load(); last < e.Number && !c.lastEvent.CompareAndSwap(last, e.Number); last = c.lastEvent.Load() {
		}
		retryAfter := handle(ctx, e, attempt)
		if retryAfter == 0 && ctx.Err() == nil {
			c.unfinished.Delete(e.Number)
		}
		return retryAfter
	}
}

// idle: nothing is left to do at the present log time.
func (f *fixture) idle() bool {
	var last uint64
	for _, ref := range f.refs {
		last = max(last, f.LastOfEntity("orders", ref))
	}
	idle := f.worker.Load().Idle()
	for i := range f.consumers {
		c := &f.consumers[i]
		idle = idle && c.lastEvent.Load() >= last
		c.unfinished.Range(func(any, any) bool { idle = false; return false })
	}
	return idle
}

// restart restarts worker and projector.
func (f *fixture) restart() {
	f.stopWorker()
	f.stop()
	f.start()
	f.startWorker()
}

// createPayment makes a payment at the provider.
func (f *fixture) createPayment(ref string, amount int64, status string) {
	f.tb.Helper()
	f.refs = append(f.refs, ref)
	p := fakeportone.Payment{ImpUID: ref, MerchantUID: "of-" + ref, Amount: amount, Status: status, Method: "vbank"}
	if _, err := f.fake.Create(p); err != nil {
		f.tb.Fatal(err)
	}
}

// wantSingleRefund restarts the node, which finds the order REFUNDING and its money refunded.
func (f *fixture) wantSingleRefund(ref string) {
	f.tb.Helper()
	f.restart()
	f.waitStatus(ref, orders.StatusRefunded)
	f.stopWorker()
	if cancels := f.fake.Cancels(ref); len(cancels) != 1 {
		f.tb.Errorf("refunds: %+v, want one", cancels)
	}
	f.checkBalance()
}

func (f *fixture) waitStatus(ref string, status orders.Status) {
	f.tb.Helper()
	waitFor(f.tb, ref+" is "+string(status), func() bool { return f.order(ref).Status == status })
}

// checkBalance checks that the provider has the money of the paid orders and no more, and that each order has one result.
func (f *fixture) checkBalance() {
	f.tb.Helper()
	f.waitCaughtUp()
	results := map[string]int{}
	for record, err := range f.log.Events(f.tb.Context(), 1, "") {
		if err != nil {
			f.tb.Fatal(err)
		}
		e, err := f.log.DecodeEvent(record)
		if err != nil {
			f.tb.Fatal(err)
		}
		switch e.Body.(type) {
		case orders.Succeeded, orders.Failed:
			results[e.Entity]++
		}
		if e.Number == f.Confirmed() {
			break
		}
	}
	var due int64
	taken := 0
	for _, ref := range f.refs {
		o := f.order(ref)
		if o.Status == orders.StatusPaid {
			due += o.Amount
			taken += o.Count
		}
		if results[ref] != 1 {
			f.tb.Errorf("%s is %s with %d results, want 1", ref, o.Status, results[ref])
		}
	}
	if paid, refunded := f.fake.Sums(); paid != due+refunded {
		f.tb.Errorf("%d paid and %d refunded, but the paid orders cost %d", paid, refunded, due)
	}
	if p := f.product("tee"); p.Taken != taken {
		f.tb.Errorf("%d units taken, but %d paid", p.Taken, taken)
	}
	wantNoViolations(f.tb, f.fake)
}
