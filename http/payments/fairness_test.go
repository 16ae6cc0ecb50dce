// One user floods the worker with orders on payments that do not exist; others do not wait behind them.

package payments_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"onsale/domain/orders"
	"onsale/http/payments"
	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// gatedProvider answers about invented payments only once gate is closed.
type gatedProvider struct {
	payments.Provider
	gate chan struct{}
}

func (p gatedProvider) Get(ctx context.Context, ref string) (portone.Payment, error) {
	if strings.HasPrefix(ref, "invented") {
		select {
		case <-p.gate:
		case <-ctx.Done():
			return portone.Payment{}, fmt.Errorf("%w: %w", portone.ErrUnknown, ctx.Err())
		}
	}
	return p.Provider.Get(ctx, ref)
}

func TestWorker_IsFairBetweenUsers(t *testing.T) {
	const flood, room = 200, 64
	f := newFixture(t, newNode(t), flood+3)
	if err := f.fake.SendWebhooks(fakeportone.Webhooks{}); err != nil {
		t.Fatal(err)
	}
	provider := gatedProvider{f.client, make(chan struct{})}
	f.client, f.concurrency, f.maxWaiting = provider, 8, room
	for i := range flood {
		ref := fmt.Sprint("invented", i)
		f.refs = append(f.refs, ref)
		f.submit("mallory", ref, orderCommand("tee"))
	}
	for _, user := range []string{"kim", "lee", "park"} {
		f.createPayment("of-"+user, price, "paid")
		f.submit(user, "of-"+user, orderCommand("tee"))
	}
	f.waitCaughtUp()
	f.startWorker()
	worker := f.worker.Load()
	waitFor(t, "the whole flood has reached the worker", func() bool {
		return metric(t, worker, "onsale_payments_deferred_total") >= flood-room-3
	})
	for _, user := range []string{"kim", "lee", "park"} {
		f.waitStatus("of-"+user, orders.StatusPaid)
	}
	waiting := metric(t, worker, "onsale_payments_waiting")
	t.Logf("%v of the flood still wait, %v were deferred", waiting, metric(t, worker, "onsale_payments_deferred_total"))
	if waiting < room/2 {
		t.Errorf("only %v of the flood still wait: the honest orders waited for them", waiting)
	}
	close(provider.gate)
	f.advance(paySeconds * time.Second) // the deferred are rechecked
	for hours := 0; ; hours++ {
		waitFor(t, "the worker is idle", f.idle)
		if f.product("tee").Taken == 3 {
			break
		}
		if hours == 20 {
			t.Fatal("an order of the flood has no result")
		}
		f.advance(time.Hour)
	}
	f.stopWorker()
	wantNoViolations(t, f.fake)
}
