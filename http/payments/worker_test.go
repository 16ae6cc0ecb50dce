// What one worker does: refunds once, refetches, pauses while the circuit is open, and works on webhooks.

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
	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
	"onsale/projections"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// recheckEvent wakes a worker about an order in its present state.
func (f *fixture) recheckEvent(ref string) domain.Event {
	return domain.Event{Number: f.Confirmed(), Entity: ref, Body: orders.Recheck{PaymentID: ref}}
}

// createRefundingOrder makes an order that must be refunded; no worker has started to.
func (f *fixture) createRefundingOrder(ref string) {
	f.tb.Helper()
	f.createPayment(ref, 700, "paid")
	f.submit("kim", ref, orderCommand("tee"))
	f.waitCaughtUp()
	if retryAfter := f.newWorker().Handle(f.tb.Context(), f.recheckEvent(ref), 1); retryAfter > 0 || f.order(ref).Status != orders.StatusRefunding {
		f.tb.Fatalf("the order is %s", f.order(ref).Status)
	}
}

// Two nodes start the same refund at the same moment, 30 times. Each payment is refunded once.
func TestWorker_RefundsOnceOnTwoNodes(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	clock := &testClock{at: map[uint64]domain.Time{}}
	var nodes [2]*node
	for i := range nodes {
		log := streamtest.Open(t, streams.Config{URLs: servers.URLs, Node: fmt.Sprint("n", i), Replicas: 1,
			CommandsMaxBytes: 64 << 20, EventsMaxBytes: 64 << 20, Logger: quietLogger(t)})
		nodes[i] = nodeOn(t, log, clock)
	}
	f := newFixture(t, nodes[0], 1000)
	other := &fixture{node: nodes[1], client: f.client, timeUnit: f.timeUnit, appendTo: nodes[1].log.Append}
	workers := []*payments.Worker{f.newWorker(), other.newWorker()}
	for i := range 30 {
		ref := fmt.Sprint("imp", i)
		f.createRefundingOrder(ref)
		e := f.recheckEvent(ref)
		var group sync.WaitGroup
		for _, worker := range workers {
			group.Go(func() {
				handle(t.Context(), worker, e)
			})
		}
		group.Wait()
		f.waitCaughtUp()
		if o := f.order(ref); o.Status != orders.StatusRefunded || len(f.fake.Cancels(ref)) != 1 {
			t.Errorf("%s is %s with %d refunds, want 1", ref, o.Status, len(f.fake.Cancels(ref)))
		}
	}
	f.checkBalance()
}

// An admin cancels an order while its payment is being looked up: the result is stale, and the payment is looked up again.
func TestWorker_RefetchesStalePayment(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.createPayment("imp1", price, "paid")
	f.submit("kim", "imp1", orderCommand("tee"))
	f.waitCaughtUp()
	fetches := 0
	f.fake.Plan(func(route string, n int) fakeportone.Fault {
		if route == "get" {
			if fetches++; fetches == 1 {
				f.submit("admin", "imp1", orders.Cancel{Reason: "broken"})
				f.waitCaughtUp()
			}
		}
		return fakeportone.Fault{}
	})
	if retryAfter := f.newWorker().Handle(t.Context(), f.recheckEvent("imp1"), 1); retryAfter > 0 {
		t.Fatal(retryAfter)
	}
	o := f.order("imp1")
	if fetches != 2 || o.Status != orders.StatusRefunding || o.Payment == nil || o.Reason != orders.ReasonCancelledByAdmin {
		t.Errorf("%d look-ups, order %+v", fetches, o)
	}
	f.startWorker()
	f.waitStatus("imp1", orders.StatusRefunded)
	f.stopWorker()
	f.checkBalance()
}

// A made-up payment holds its unit for a minute, though payments may take ten. Made after that, it is refunded.
func TestWorker_FailsUnknownPayment(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.startWorker()
	order := orderCommand("tee")
	order.MissingSeconds = 60
	f.submit("mallory", "imp1", order)
	f.waitStatus("imp1", orders.StatusPendingPayment)
	f.advance(time.Minute)
	f.waitStatus("imp1", orders.StatusFailed)
	if o, taken := f.order("imp1"), f.product("tee").Taken; o.Reason != orders.ReasonNotFound || taken != 0 {
		t.Errorf("order %+v, %d units taken", o, taken)
	}
	f.createPayment("imp1", price, "paid")
	f.worker.Load().Notify(portone.Webhook{Ref: "imp1"})
	f.waitStatus("imp1", orders.StatusRefunded)
	f.stopWorker()
	f.checkBalance()
}

// Older versions let payments have an id like that of an order without one: they are verified and refunded all the same.
func TestWorker_KnowsPaymentsOfOlderVersions(t *testing.T) {
	f := newFixture(t, newNode(t), 2)
	f.startWorker()
	f.createPayment("free-78", price, "paid")
	f.submit("kim", "free-78", orderCommand("tee"))
	f.waitStatus("free-78", orders.StatusPaid)
	f.submit("admin", "free-78", orders.Cancel{Reason: "broken"})
	f.waitStatus("free-78", orders.StatusRefunded)
	order := orderCommand("tee")
	order.MissingSeconds = 60
	f.submit("mallory", "free", order)
	f.waitStatus("free", orders.StatusPendingPayment)
	f.createPayment("free", price, "paid")
	f.worker.Load().Notify(portone.Webhook{Ref: "free"})
	f.waitStatus("free", orders.StatusPaid)
	f.stopWorker()
	f.checkBalance()
}

// During an outage the circuit opens and no event is taken; after it, everything that came meanwhile is done.
func TestWorker_ResumesAfterOutage(t *testing.T) {
	f := newFixture(t, newNode(t), 1000)
	if err := f.fake.Fail("", fakeportone.Fault{Kind: fakeportone.Error}, 0); err != nil {
		t.Fatal(err)
	}
	f.timeUnit = 100 * time.Millisecond
	f.startWorker()
	for i := range 200 {
		ref := fmt.Sprint("imp", i)
		f.createPayment(ref, price, "paid")
		f.submit("kim", ref, orderCommand("tee"))
	}
	worker := f.worker.Load()
	circuitOpen := func() bool { return metric(t, worker, "onsale_payments_circuit_open") == 1 }
	waitFor(t, "the circuit is open", circuitOpen)
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan struct{})
	go func() { defer close(returned); worker.WaitReady(ctx) }()
	cancel()
	<-returned
	before := time.Now()
	f.fake.ClearFaults()
	for _, ref := range f.refs {
		f.waitStatus(ref, orders.StatusPaid)
	}
	t.Logf("all orders paid %s after the outage", time.Since(before))
	if circuitOpen() {
		t.Error("the circuit is still open")
	}
	f.stopWorker()
	f.checkBalance()
}

// 500 webhooks about one payment, and as many about unknown ones, arrive while the payment is being looked up.
func TestWorker_CoalescesWebhooks(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.createPayment("imp1", price, "ready")
	f.submit("kim", "imp1", orderCommand("tee"))
	f.waitCaughtUp()
	worker := f.newWorker()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { worker.Run(ctx) })
	defer running.Wait()
	defer cancel()
	started, release := make(chan struct{}), make(chan struct{})
	f.fake.Plan(func(route string, n int) fakeportone.Fault {
		if route == "get" && n == 1 {
			close(started)
			<-release
		}
		return fakeportone.Fault{}
	})
	worker.Notify(portone.Webhook{Ref: "imp1"})
	<-started
	for i := range 500 {
		worker.Notify(portone.Webhook{Ref: "imp1"})
		worker.Notify(portone.Webhook{Ref: fmt.Sprint("unknown", i), MerchantUID: "m1000-invented"})
	}
	close(release)
	waitFor(t, "all webhooks are handled", worker.Idle)
	const requests = "onsale_payments_requests_total"
	if gets := metric(t, worker, requests, "request=get", "outcome=yes"); gets != 2 {
		t.Errorf("%v look-ups, want 2: one when the flood began, one after it", gets)
	}
	if all, results := metric(t, worker, requests), metric(t, worker, "onsale_payments_results_total"); all != 2 || results != 1 {
		t.Errorf("%v requests, %v results", all, results)
	}
	t.Logf("%v of 1,001 webhooks dropped", metric(t, worker, "onsale_payments_webhooks_dropped_total"))
}

// No deadline rechecks a paid order soon. So a webhook about one is retried until the provider answers.
func TestWorker_RetriesWebhook(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.startWorker()
	f.createPayment("imp1", price, "paid")
	f.submit("kim", "imp1", orderCommand("tee"))
	f.waitStatus("imp1", orders.StatusPaid)
	if err := f.fake.Fail("get", fakeportone.Fault{Kind: fakeportone.ErrorAfter}, 3); err != nil {
		t.Fatal(err)
	}
	if err := f.fake.CancelAtConsole("imp1", 0); err != nil {
		t.Fatal(err)
	}
	f.waitStatus("imp1", orders.StatusRefunded)
	f.stopWorker()
	f.checkBalance()
}

// A node crashes between a refund and recording it. After the restart it finds the refund and makes no second one.
func TestWorker_RefundsOnceAfterCrash(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.createRefundingOrder("imp1")
	ctx, cancel := context.WithCancel(t.Context())
	config := payments.Config{Provider: f.client, Projector: f.Projector, Logger: f.logger,
		Append: func(context.Context, domain.Command) (uint64, error) { cancel(); return 0, ctx.Err() }}
	payments.New(config).Handle(ctx, f.recheckEvent("imp1"), 1)
	if got := f.order("imp1").Status; got != orders.StatusRefunding || len(f.fake.Cancels("imp1")) != 1 {
		t.Fatalf("%s with %d refunds, want 1", got, len(f.fake.Cancels("imp1")))
	}
	f.wantSingleRefund("imp1")
}

// A node ends while the provider refunds, and never gets the response.
func TestWorker_RefundsOnceWhenStoppedMidCancel(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.createRefundingOrder("imp1")
	ctx, cancel := context.WithCancel(t.Context())
	f.fake.Plan(func(route string, n int) fakeportone.Fault {
		if route == "cancel" && n == 1 {
			cancel()
		}
		return fakeportone.Fault{}
	})
	if retryAfter := f.newWorker().Handle(ctx, f.recheckEvent("imp1"), 1); retryAfter > 0 {
		t.Error("a stopped worker asks for a retry")
	}
	f.wantSingleRefund("imp1")
}

// Inconsistent payments are not written into the log, however often they are fetched.
func TestWorker_RecordsNoMalformedPayment(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.createPayment("imp1", price, "paid")
	for name, corrupt := range map[string]func(*fakeportone.Payment){
		"paid nothing":          func(p *fakeportone.Payment) { p.Amount = 0 },
		"merchant_uid too long": func(p *fakeportone.Payment) { p.MerchantUID = fmt.Sprintf("%01000d", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			good := f.fake.Payments()[0]
			if err := f.fake.Tamper("imp1", corrupt); err != nil {
				t.Fatal(err)
			}
			f.submit("kim", "imp1", orderCommand("tee"))
			f.waitCaughtUp()
			worker := f.newWorker()
			if retryAfter := worker.Handle(t.Context(), f.recheckEvent("imp1"), 1); retryAfter == 0 || f.order("imp1").Status != orders.StatusVerifying {
				t.Errorf("retry after %s, order %s", retryAfter, f.order("imp1").Status)
			}
			if retryAfter := worker.Handle(t.Context(), f.recheckEvent("imp1"), 8); retryAfter > 0 || metric(t, worker, "onsale_payments_results_total") > 0 {
				t.Errorf("retry after %s after the last attempt", retryAfter)
			}
			if err := f.fake.Tamper("imp1", func(p *fakeportone.Payment) { *p = good }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

var errInjected = errors.New("injected")

// A halted node takes no events and returns those that it has.
func TestWorker_PausesWhenHalted(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.createPayment("imp1", price, "paid")
	f.submit("kim", "imp1", orderCommand("tee"))
	f.waitCaughtUp()
	f.stop()
	p, _, err := projections.Open(t.Context(), projections.Config{
		Path: f.path, Log: f.log, Epoch: f.log.Epoch(), OnConfirmed: func([]projections.ConfirmedEvent) {}, OutboxRetention: time.Second, Logger: f.logger,
		ConsumeCommands: func(context.Context, uint64) (projections.CommandConsumer, error) { return nil, errInjected },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_ = p.Run(t.Context()) // returns at once
	if p.Status().Halted == "" {
		t.Fatal("not halted")
	}
	f.Projector = p
	worker := f.newWorker()
	if retryAfter := worker.Handle(t.Context(), f.recheckEvent("imp1"), 20); retryAfter == 0 {
		t.Error("the event was not returned")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if worker.WaitReady(ctx); ctx.Err() == nil {
		t.Error("it still takes events")
	}
}
