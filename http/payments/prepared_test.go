// Payments whose order was never sent, or comes after onsale has placed it.

package payments_test

import (
	"fmt"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// prepare prepares one unit for a user.
func (f *fixture) prepare(user string) (merchantUID string) {
	f.tb.Helper()
	terms := orderCommand("tee").Terms
	f.submit(user, "tee", orders.Prepare{Count: 1, Terms: &terms})
	f.waitCaughtUp()
	prepared, ok := f.outcome(user, "products.prepare tee").(orders.Prepared)
	if !ok {
		f.tb.Fatalf("%s has prepared nothing", user)
	}
	return prepared.MerchantUID
}

// outcome is what a user's command with this key led to, or nil.
func (n *node) outcome(user, key string) domain.Body {
	request := domain.NewRequestID(user, key)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.events {
		if e.Request == request {
			return e.Body
		}
	}
	return nil
}

// createFor makes a payment of a preparation.
func (f *fixture) createFor(merchantUID, ref, status string) {
	f.tb.Helper()
	f.refs = append(f.refs, ref)
	if _, err := f.fake.Create(fakeportone.Payment{ImpUID: ref, MerchantUID: merchantUID, Amount: price, Status: status, Method: "vbank"}); err != nil {
		f.tb.Fatal(err)
	}
}

func (f *fixture) dropWebhooks() {
	if err := f.fake.SendWebhooks(fakeportone.Webhooks{}); err != nil {
		f.tb.Fatal(err)
	}
}

// The webhook comes, the user's order does not; and then it does.
func TestWorker_PlacesOrderOfWebhook(t *testing.T) {
	f := newFixture(t, newNode(t), 2)
	f.startWorker()
	f.createFor(f.prepare("kim"), "imp1", "paid")
	f.waitStatus("imp1", orders.StatusPaid)
	if o := f.order("imp1"); o.User != "kim" || o.Amount != price {
		t.Errorf("order %+v", o)
	}
	for _, user := range []string{"kim", "mallory"} {
		f.submit(user, "imp1", orderCommand("tee"))
	}
	f.waitCaughtUp()
	const key = "orders.place imp1"
	if confirmed, ok := f.outcome("kim", key).(orders.Confirmed); !ok || confirmed.Status != orders.StatusPaid {
		t.Errorf("the user's own order was answered with %#v", f.outcome("kim", key))
	}
	if rejection, ok := f.outcome("mallory", key).(domain.Rejection); !ok || rejection.Code != domain.PaymentAlreadyUsed {
		t.Errorf("another user's was answered with %#v", f.outcome("mallory", key))
	}
	f.stopWorker()
	f.checkBalance()
}

// As a rule the webhook is a moment earlier than the order: it is the user's then, and costs one look-up.
func TestWorker_WaitsForOrderAfterWebhook(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.timeUnit = time.Minute // which the worker waits several of
	f.startWorker()
	f.createFor(f.prepare("kim"), "imp1", "paid")
	f.fake.Wait()
	f.submit("kim", "imp1", orderCommand("tee"))
	f.waitStatus("imp1", orders.StatusPaid)
	if _, ok := f.outcome("kim", "orders.place imp1").(orders.Placed); !ok {
		t.Errorf("the order was answered with %#v", f.outcome("kim", "orders.place imp1"))
	}
	if gets := metric(t, f.worker.Load(), "onsale_payments_requests_total", "request=get"); gets != 1 {
		t.Errorf("%v look-ups, want 1", gets)
	}
	f.stopWorker()
	f.checkBalance()
}

// Without a webhook the rules ask after 5 minutes, 30 minutes and a day. A virtual account has an order when it is paid into, or at
// the last time, so that a transfer after that is refunded.
func TestWorker_FindsUnsentPayments(t *testing.T) {
	f := newFixture(t, newNode(t), 4)
	f.dropWebhooks()
	f.startWorker()
	f.createFor(f.prepare("kim"), "paid", "paid")
	f.createFor(f.prepare("lee"), "soon", "ready")
	f.createFor(f.prepare("park"), "never", "ready")
	never := f.prepare("choi")
	f.createFor(never, "failed", "failed")
	f.refs = f.refs[:3] // the failed one has no order
	advance := func(d time.Duration) {
		t.Helper()
		f.advance(d)
		waitFor(t, "the worker is idle", f.idle)
	}
	advance(5 * time.Minute)
	f.waitStatus("paid", orders.StatusPaid)
	if o := f.order("soon"); o.PaymentID != "" {
		t.Errorf("a virtual account has an order before it is paid: %+v", o)
	}
	if err := f.fake.Deposit("soon"); err != nil {
		t.Fatal(err)
	}
	advance(25 * time.Minute)
	f.waitStatus("soon", orders.StatusPaid)
	advance(24 * time.Hour)
	f.waitStatus("never", orders.StatusPendingPayment)
	advance(paySeconds * time.Second)
	f.waitStatus("never", orders.StatusFailed)
	if err := f.fake.Deposit("never"); err != nil {
		t.Fatal(err)
	}
	advance(time.Hour)
	f.waitStatus("never", orders.StatusRefunded)
	if o := f.order("failed"); o.PaymentID != "" {
		t.Errorf("a payment that failed has an order: %+v", o)
	}
	finds := metric(t, f.worker.Load(), "onsale_payments_requests_total", "request=find", "outcome=yes")
	if want := 1.0 + 2 + 3 + 3; finds != want {
		t.Errorf("%v times asked, want %v", finds, want)
	}
	f.stopWorker()
	f.checkBalance()
}

// A user pays twice under one merchant_uid. The second payment is logged for an operator.
func TestWorker_ReportsSecondPayment(t *testing.T) {
	f := newFixture(t, newNode(t), 2)
	f.dropWebhooks()
	log := new(lockedBuffer)
	f.logger = newTextLogger(log)
	f.startWorker()
	uid := f.prepare("kim")
	f.createFor(uid, "imp1", "paid")
	f.createFor(uid, "imp2", "paid")
	f.refs = f.refs[:1]
	f.advance(5 * time.Minute)
	f.waitStatus("imp1", orders.StatusPaid)
	waitFor(t, "the worker is idle", f.idle)
	f.stopWorker()
	if o := f.order("imp2"); o.PaymentID != "" {
		t.Errorf("order %+v", o)
	}
	wantLogged(t, log, "level=ERROR", "imp_uid=imp2", "merchant_uid="+uid)
}

// Anybody can send webhooks of V1. What names no preparation costs no request; what names one costs its user's share.
func TestWorker_BoundsUnknownWebhooks(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.dropWebhooks()
	f.startWorker()
	kim, lee := f.prepare("kim"), f.prepare("lee")
	f.createFor(lee, "of-lee", "paid")
	f.createFor("elsewhere", "of-another-shop", "paid")
	worker := f.worker.Load()
	waitFor(t, "both are prepared at the provider", func() bool {
		return metric(t, worker, "onsale_payments_requests_total", "request=prepare", "outcome=yes") == 2 && worker.Idle()
	})
	for _, hook := range []portone.Webhook{{Ref: "imp1"}, {Ref: "imp1", MerchantUID: "elsewhere"}, {Ref: "free-1", MerchantUID: kim}} {
		if !worker.Notify(hook) || !worker.Idle() {
			t.Errorf("%+v is pending", hook)
		}
	}
	f.stopWorker() // so that nothing is taken away
	worker = f.newWorker()
	f.worker.Store(worker)
	taken := 0
	for i := range 100 {
		if worker.Notify(portone.Webhook{Ref: fmt.Sprint("invented", i), MerchantUID: kim}) {
			taken++
		}
	}
	if dropped := metric(t, worker, "onsale_payments_webhooks_dropped_total"); taken == 0 || taken > 64 || dropped != float64(100-taken) {
		t.Errorf("%d of 100 are pending, %v dropped", taken, dropped)
	}
	if !worker.Notify(portone.Webhook{Ref: "of-lee", MerchantUID: lee}) {
		t.Error("no room for another user")
	}
	// A webhook cannot put a payment under another name.
	f.startWorker()
	worker = f.worker.Load()
	worker.Notify(portone.Webhook{Ref: "of-lee", MerchantUID: kim})
	worker.Notify(portone.Webhook{Ref: "of-another-shop", MerchantUID: kim})
	waitFor(t, "both are looked up", worker.Idle)
	for _, ref := range []string{"of-lee", "of-another-shop"} {
		if o := f.order(ref); o.PaymentID != "" {
			t.Errorf("%s has an order: %+v", ref, o)
		}
	}
	f.stopWorker()
}
