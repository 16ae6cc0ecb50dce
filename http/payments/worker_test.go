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
	"onsale/http/payments/portone/fakeportone"
	"onsale/projections"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// recheckEvent is what wakes a worker about an order, as it stands.
func (f *fixture) recheckEvent(ref string) domain.Event {
	return domain.Event{Number: f.Confirmed(), Entity: ref, Body: orders.Recheck{PaymentID: ref}}
}

// createRefundingOrder is an order of which the money has to go back, and nobody has begun with it.
func (f *fixture) createRefundingOrder(ref string) {
	f.tb.Helper()
	f.createPayment(ref, 700, "paid")
	f.submit("kim", ref, orderCommand("tee"))
	f.waitCaughtUp()
	if retryAfter := f.newWorker().Handle(f.tb.Context(), f.recheckEvent(ref), 1); retryAfter > 0 || f.order(ref).Status != orders.StatusRefunding {
		f.tb.Fatalf("it is %s", f.order(ref).Status)
	}
}

// Two nodes begin with the same refund at the same moment, again and again. The money goes back once.
func TestWorker_RefundsOnceOnTwoNodes(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	clock := &testClock{at: map[uint64]domain.Time{}}
	var nodes [2]*node
	for i := range nodes {
		log := streamtest.Open(t, streams.Config{URLs: servers.URLs, Node: fmt.Sprint("n", i), Replicas: 1,
			CommandsMaxBytes: 64 << 20, EventsMaxBytes: 64 << 20, Log: quietLogger(t)})
		nodes[i] = nodeOn(t, log, clock)
	}
	f := newFixture(t, nodes[0], 1000)
	other := &fixture{node: nodes[1], client: f.client, timeUnit: f.timeUnit}
	workers := []*payments.Worker{f.newWorker(), other.newWorker()}
	for i := range 30 {
		ref := fmt.Sprint("imp", i)
		f.createRefundingOrder(ref)
		e := f.recheckEvent(ref)
		var group sync.WaitGroup
		for _, worker := range workers {
			group.Go(func() {
				for attempt := uint64(1); worker.Handle(t.Context(), e, attempt) > 0; attempt++ {
				}
			})
		}
		group.Wait()
		f.waitCaughtUp()
		if o := f.order(ref); o.Status != orders.StatusRefunded || len(f.fake.Cancels(ref)) != 1 {
			t.Errorf("%s is %s, and was given back %d times", ref, o.Status, len(f.fake.Cancels(ref)))
		}
	}
	f.checkBalance()
}

// The shop cancels an order while the provider is just asked about it: what was heard is too old, and is asked again.
func TestWorker_RefetchesStalePayment(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.createPayment("imp1", price, "paid")
	f.submit("kim", "imp1", orderCommand("tee"))
	f.waitCaughtUp()
	fetches := 0
	f.fake.Plan(func(route string, n int) fakeportone.Fault {
		if route == "get" {
			if fetches++; fetches == 1 {
				f.submit("shop", "imp1", orders.Cancel{Reason: "broken"})
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
		t.Errorf("asked %d times, and it is %+v", fetches, o)
	}
	f.startWorker()
	f.waitStatus("imp1", orders.StatusRefunded)
	f.stopWorker()
	f.checkBalance()
}

// The provider is away. It is left alone, nothing is begun, and when it is back everything is done that has come meanwhile.
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
	waitFor(t, "the provider is left alone", func() bool { return worker.Stats().CircuitOpen })
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
	t.Logf("everything is done %s after it is back", time.Since(before))
	if worker.Stats().CircuitOpen {
		t.Error("it still counts as away")
	}
	f.stopWorker()
	f.checkBalance()
}

// Thousands say that something happened to one payment, and to some that nobody knows, while it is being asked about.
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
	worker.Notify("imp1")
	<-started
	for i := range 10_000 {
		worker.Notify("imp1")
		worker.Notify(fmt.Sprint("nobodys", i))
	}
	close(release)
	waitFor(t, "everything is looked at", worker.Idle)
	stats := worker.Stats()
	if gets := stats.Calls[payments.Call{Operation: "get", Outcome: "yes"}]; gets != 2 {
		t.Errorf("the provider was asked %d times, want twice: once when the flood began, once behind it", gets)
	}
	if len(stats.Calls) != 1 || stats.Recorded != 1 {
		t.Errorf("got %+v", stats)
	}
	t.Logf("%d of 10,001 hints were dropped", stats.WebhooksDropped)
}

// A hint about a paid order has nobody behind it: no deadline will ask again. So it is tried until the provider answers.
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

// The node ends when the money has gone back, before it is written down. Its next life finds that out, and gives nothing
// back a second time.
func TestWorker_RefundsOnceAfterCrash(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.createRefundingOrder("imp1")
	ctx, cancel := context.WithCancel(t.Context())
	config := payments.Config{Provider: f.client, Projector: f.Projector, Log: f.logger,
		Append: func(context.Context, domain.Command) (uint64, error) { cancel(); return 0, ctx.Err() }}
	payments.New(config).Handle(ctx, f.recheckEvent("imp1"), 1)
	if got := f.order("imp1").Status; got != orders.StatusRefunding || len(f.fake.Cancels("imp1")) != 1 {
		t.Fatalf("it is %s, and was given back %d times", got, len(f.fake.Cancels("imp1")))
	}
	f.wantSingleRefund("imp1")
}

// A node ends while the provider gives the money back, and nobody waits for its answer.
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
		t.Error("who ends does not ask for an event once more")
	}
	f.wantSingleRefund("imp1")
}

// What no payment can be is not written into the log over and over, however often it is heard.
func TestWorker_RecordsNoMalformedPayment(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.createPayment("imp1", price, "paid")
	for name, corrupt := range map[string]func(*fakeportone.Payment){
		"nothing was paid": func(p *fakeportone.Payment) { p.Amount = 0 },
		"an endless order": func(p *fakeportone.Payment) { p.MerchantUID = fmt.Sprintf("%01000d", 1) },
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
				t.Errorf("again %s, and it is %s", retryAfter, f.order("imp1").Status)
			}
			if retryAfter := worker.Handle(t.Context(), f.recheckEvent("imp1"), 8); retryAfter > 0 || worker.Stats().Recorded > 0 {
				t.Errorf("again %s after all tries, %d learnt", retryAfter, worker.Stats().Recorded)
			}
			if err := f.fake.Tamper("imp1", func(p *fakeportone.Payment) { *p = good }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

var errInjected = errors.New("staged")

// A node that has stopped deciding begins nothing, and gives back what it has.
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
		t.Fatal("it is not halted")
	}
	f.Projector = p
	worker := f.newWorker()
	if retryAfter := worker.Handle(t.Context(), f.recheckEvent("imp1"), 20); retryAfter == 0 {
		t.Error("it says that it is done with an event")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if worker.WaitReady(ctx); ctx.Err() == nil {
		t.Error("it goes on to take events")
	}
}
