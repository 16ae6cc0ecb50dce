// Orders under kill -9, with a payment provider that answers late, twice, wrongly or not at all, whose webhooks are doubled,
// late or lost.

package chaos

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/payments/portone/fakeportone"
	"onsale/streams/streamtest"
)

// Hundreds of orders of all kinds (10,000 in the long form), of products and of paid seats, with and without coupons. Each has one
// result, permanently and for all clients; every won paid is in a paid order, refunded once, or kept by a refund tier; no product is
// oversold, no seat has two owners, no coupon is used twice, and every hold ends.
func TestOrders_SurviveKills(t *testing.T) {
	users, purchases, kills := 40, 10, 4
	timeout, paymentTimeout, extraArgs := 60*time.Second, 3*time.Second, []string(nil)
	if harness.Long() {
		users, purchases, kills, timeout, paymentTimeout = 250, 48, 90, 25*time.Minute, 15*time.Second
		extraArgs = []string{"--streams-user-max-age", "30s"} // thousands of streams wait
	}
	m := newOrderWorkload(t, users*purchases/6, users*purchases/4, timeout, paymentTimeout, extraArgs...)
	began := time.Now()
	clearFaults := m.injectFaults(0.1)
	buying := m.startBuyers(users, purchases)
	m.killRepeatedly(m.ctx, kills, users*purchases*3/2) // each is answered more than once
	buying.Wait()
	m.finish(began, !harness.Long(), clearFaults)
	orders := len(m.payments())
	if harness.Long() && (orders < 10_000 || m.kills <= 100) {
		t.Errorf("%d orders and %d kills, want 10,000 and more than 100", orders, m.kills)
	}
}

// Two nodes share one log and the consumer of orders. One of them is killed again and again.
func TestOrders_SurviveKillsOfOneOfTwoNodes(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	m := newOrderWorkload(t, 30, 20, 60*time.Second, 3*time.Second, "--nats-url", servers.URLs[0], "--nats-replicas", "1",
		"--log-commands-max-bytes", "1GiB", "--log-events-max-bytes", "1GiB")
	m.node.NATS = servers.URLs[0]
	second := harness.NewNode(t, append(m.node.Args, "--node", "box-2")...)
	process2 := second.Start()
	m.nodeURLs = append(m.nodeURLs, second.URL())
	began := time.Now()
	clearFaults := m.injectFaults(0.15)
	buying := m.startBuyers(20, 8)
	m.killRepeatedly(m.ctx, 3, 20*8)
	buying.Wait()
	m.finish(began, true, clearFaults)
	process2.Terminate(t)
}

// The provider is down for a while. Orders are accepted and wait; all are decided when it is back, without intervention.
func TestOrders_SurviveProviderOutage(t *testing.T) {
	t.Parallel()
	m := newOrderWorkload(t, 1000, 100, 90*time.Second, time.Minute)
	if err := m.provider.Fail("", fakeportone.Fault{Kind: fakeportone.Reset}, 0); err != nil {
		t.Fatal(err)
	}
	m.setWebhooks(fakeportone.Webhooks{Drop: true})
	b := &buyer{chaosUser: m.addUser("kim"), other: m.addUser("lee"), workload: m}
	m.watch("/subscribe/kim", "")
	for range 40 {
		b.pay(b.chooseProduct())
		b.underpay(b.chooseProduct())
	}
	for range 20 {
		if want, ok := b.holdSeats(2); ok {
			b.pay(want)
		}
	}
	m.waitCircuitOpen()
	m.process.Kill()
	m.process = m.node.Start()
	m.waitCircuitOpen()
	for impUID, p := range m.payments() {
		if o := m.order(impUID); o.OrderStatus != "VERIFYING" {
			t.Errorf("payment %+v cannot be verified, and the order is %+v", p, o)
		}
	}
	m.finish(time.Now(), false, m.provider.ClearFaults)
}

// waitCircuitOpen waits until the node's circuit breaker is open.
func (m *orderWorkload) waitCircuitOpen() {
	m.t.Helper()
	for a := (harness.Response{}); !strings.Contains(a.Body, "\nonsale_payments_circuit_open 1\n"); {
		if !harness.Sleep(m.ctx, 50*time.Millisecond) {
			m.t.Fatalf("the circuit is not open:\n%s", a.Body)
		}
		a = m.node.MustDo(m.ctx, m.client, "GET", "/metrics", "")
	}
}

// orderStream is the stream of one user's order, read through all restarts until its one result. Resuming from the result gets
// 204.
type orderStream struct {
	impUID, user string
	shared       bool // another user orders with this payment too

	lastID string // as EventSource has it
	result harness.Frame
	lost   bool // the payment belongs to the other user
	faults []string
}

// placeOrder orders with the buyer's own payment.
func (b *buyer) placeOrder(impUID string, want basket) {
	b.rememberOrder(impUID, want)
	b.workload.placeOrder(b.chaosUser, impUID, want, false)
}

// listen reads an order's stream.
func (m *orderWorkload) listen(p *chaosUser, impUID string, shared bool) {
	o := &orderStream{impUID: impUID, user: p.User, shared: shared}
	m.mu.Lock()
	m.orders = append(m.orders, o)
	m.mu.Unlock()
	m.streamReaders.Go(func() { o.listen(m.ctx, m.streamClient, p.URL) })
}

// placeOrder orders and reads the order's stream, sometimes from before. It returns the code of a rejection.
func (m *orderWorkload) placeOrder(p *chaosUser, impUID string, want basket, shared bool) (code string) {
	listen := sync.OnceFunc(func() { m.listen(p, impUID, shared) })
	if !shared && p.rng.IntN(3) == 0 {
		listen()
	}
	body := want.body()
	body["imp_uid"], body["amount"] = impUID, want.amount
	a, _ := p.execute(m.ctx, "/api/v1/orders", body)
	if a.response.Code != "payment_already_used" && a.response.Code != "too_many_open_orders" { // other rejected orders are kept
		listen()
	}
	return a.response.Code
}

func (o *orderStream) fault(format string, args ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, args...))
}

// listen reconnects until the stream is finished.
func (o *orderStream) listen(ctx context.Context, client *http.Client, url string) {
	for o.connect(ctx, client, url+"/api/v1/orders/"+o.impUID+"/sse") && harness.Sleep(ctx, 100*time.Millisecond) {
	}
}

// connect reads until the stream ends, and returns whether to reconnect.
func (o *orderStream) connect(ctx context.Context, client *http.Client, url string) (retry bool) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("X-User-Id", o.user)
	if o.lastID != "" {
		r.Header.Set("Last-Event-ID", o.lastID)
	}
	response, err := client.Do(r)
	if err != nil {
		return true // the node is down
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNoContent && o.result.ID != "":
		return false
	case response.StatusCode == http.StatusForbidden && o.shared:
		o.lost = true
		return false
	case response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream":
		o.fault("got %s after %q", response.Status, o.lastID)
		return false
	}
	harness.ReadFrames(bufio.NewReader(response.Body), o.handleFrame)
	return true
}

func (o *orderStream) handleFrame(f harness.Frame, first bool) {
	switch {
	case first != (f.Event == "connect"):
		o.fault("a misplaced connect frame, or none first: %+v", f)
	case f.Event == "success" || f.Event == "failure":
		if o.result.ID != "" {
			o.fault("after the result %+v came %+v", o.result, f)
		}
		o.result = f
	case f.Event != "connect" && f.Event != "heartbeat":
		o.fault("unknown frame %+v", f)
	}
	o.lastID = f.ID
}
