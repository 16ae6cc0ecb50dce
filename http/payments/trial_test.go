// Trials: every scenario under every fault, all in one log and at the same time, each with a provider and a worker of its own.
package payments_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments"
	"onsale/http/portone/fake"
)

type told = domain.Event

// trial is one scenario under one fault.
type trial struct {
	scenario
	api, route, fault string

	n                   *node
	fake                *fake.Server
	client              client
	worker              *payments.Worker
	user, product       string
	impUID, merchantUID string
}

func (t *trial) String() string { return fmt.Sprintf("%s, %s, %s %s", t.name, t.api, t.route, t.fault) }

// court tries.
type court struct {
	n      *node
	url    string
	mux    *http.ServeMux
	trials []*trial

	mu    sync.Mutex
	of    map[string]*trial // by order and product
	work  chan told
	open  atomic.Int64 // events that were told and not done
	hands sync.WaitGroup
}

func newCourt(tb testing.TB) *court {
	c := &court{n: newNode(tb), mux: http.NewServeMux(), of: map[string]*trial{}, work: make(chan told, 1<<16)}
	c.url = serve(tb, c.mux)
	c.n.heard = c.hear
	ctx, cancel := context.WithCancel(context.Background())
	for range 128 {
		c.hands.Go(func() {
			for e := range c.work {
				c.mu.Lock()
				t := c.of[e.Entity]
				c.mu.Unlock()
				t.do(ctx, e)
				c.open.Add(-1)
			}
		})
	}
	tb.Cleanup(func() {
		cancel()
		c.n.stop()
		close(c.work)
		c.hands.Wait()
	})
	return c
}

// hear is told events in their order.
func (c *court) hear(e told) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.of[e.Entity]
	if t == nil {
		return
	}
	if prepared, ok := e.Body.(orders.Prepared); ok { // whoever pays does so under that
		t.merchantUID = prepared.MerchantUID
		c.of[t.ref()] = t
	}
	c.open.Add(1)
	c.work <- e
}

// add begins a trial.
func (c *court) add(s scenario, api, route, fault string) {
	i := len(c.trials)
	t := &trial{scenario: s, api: api, route: route, fault: fault, n: c.n, fake: fake.New(), user: fmt.Sprintf("kim%d", i),
		product: fmt.Sprintf("tee%d", i), impUID: fmt.Sprintf("imp%d", i), merchantUID: fmt.Sprintf("order%d", i)}
	t.fake.Asynchronous = s.async
	path := "/" + t.product
	t.client = open(c.n.tb, api, c.url+path, t.fake)
	config := payments.Config{Provider: t.client, Append: c.n.log.Append, Projector: c.n.Projector, Log: c.n.logs}
	config.SetSecond(4 * time.Millisecond)
	t.worker = payments.New(config)
	c.mux.Handle(path+"/", http.StripPrefix(path, t.fake))
	c.mux.HandleFunc("POST "+path+"/hook", t.hook)
	hooks := fake.Webhooks{URL: c.url + path + "/hook", V2: api == "v2"}
	if route == "webhook" {
		webhookFaults[fault](&hooks)
	} else if fault != "" {
		times := 2
		if fault == "slow" {
			times = 1
		}
		t.done(t.fake.Fail(route, fake.Fault{Kind: fake.Kind(fault), Delay: answer + answer/4}, times))
	}
	t.done(t.fake.SendWebhooks(hooks))
	ctx, cancel := context.WithCancel(context.Background())
	c.hands.Go(func() { t.worker.Run(ctx) })
	c.n.tb.Cleanup(cancel)
	c.trials = append(c.trials, t)
	c.of[t.product], c.of[t.ref()] = t, t
}

func (t *trial) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		hint, hintErr := t.client.Hint(r.Header, body)
		if err = hintErr; err == nil && hint.Ref != "" {
			t.worker.Look(hint.Ref)
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// play plays everything to its end.
func (c *court) play() {
	each(c.trials, atOnce, func(t *trial) {
		c.n.put("shop", t.product, orders.Create{Name: "tee", Price: price, Stock: 1 + t.units})
	})
	c.quiet()
	for i, passes := range []time.Duration{0, 0, 0, 61 * time.Second, payBy * time.Second} {
		if passes > 0 {
			c.passes(passes)
		}
		each(c.trials, atOnce, func(t *trial) {
			if act := t.acts()[i]; act != nil {
				act(t)
				t.idle()
			}
		})
		c.quiet()
	}
	for _, passes := range []time.Duration{2 * time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour} {
		c.passes(passes)
	}
}

func (c *court) passes(d time.Duration) {
	c.n.pass(d)
	c.quiet()
}

// quiet waits until nobody has anything to do.
func (c *court) quiet() {
	for {
		before := c.n.end()
		c.n.settle()
		until(c.n.tb, "every event is done", func() bool { return c.open.Load() == 0 })
		for _, t := range c.trials {
			t.idle()
		}
		if c.n.end() == before {
			return
		}
	}
}

// idle waits until every webhook is sent, and everything done that they are a reason for.
func (t *trial) idle() {
	t.fake.Wait()
	until(t.n.tb, t.String()+" is idle", t.worker.Idle)
}

// outcome is everything that counts of a trial.
func (t *trial) outcome() string {
	o, p := t.n.order(t.ref()), t.n.product(t.product)
	cancels, given := 0, int64(0)
	for _, c := range t.fake.Cancels(t.impUID) {
		if strings.HasPrefix(c.Reason, "onsale: ") {
			cancels++
			given += c.Amount
		}
	}
	paid, refunded := t.fake.Sums()
	return fmt.Sprintf("%-8s %-22s %-16s %d gives back %4d, %4d of %4d are there, %d of %d taken", o.Status, o.Reason,
		strings.Join(t.n.verdicts(t.ref()), " "), cancels, given, paid-refunded, paid, p.Taken, p.Stock)
}
