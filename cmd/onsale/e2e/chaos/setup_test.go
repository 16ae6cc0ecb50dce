package chaos

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/payments/portone/fakeportone"
)

// orderWorkload is buyers, an admin, and a payment provider in the test's process, which outlives the node.
type orderWorkload struct {
	*workload
	provider       *fakeportone.Server
	streamClient   *http.Client
	paymentTimeout time.Duration  // how long an order waits for its payment
	holdTime       time.Duration  // of every hall
	stock          map[string]int // units of each product
	seats          int            // of each hall
	halls          map[string]int // seats of each schedule
	calledOff      map[string]bool

	nodeURLs      []string // of all nodes
	adminCommands chan adminCommand
	adminGroup    sync.WaitGroup // the admin
	delayed       sync.WaitGroup // delayed payments and cancellations
	streamReaders sync.WaitGroup // of orders

	mu      sync.Mutex // guards what follows
	orders  []*orderStream
	console map[string]bool // imp_uids that may be refunded at the provider's console
}

type adminCommand struct {
	path string
	body map[string]any
}

// newOrderWorkload has enough stock of everything but lamps and seats: so many of each hall.
func newOrderWorkload(t *testing.T, lamps, seats int, timeout, paymentTimeout time.Duration, args ...string) *orderWorkload {
	f := fakeportone.New()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	args = append([]string{
		"--payments-provider", "portone", "--payments-url", server.URL, "--payments-key", f.Key,
		"--payments-secret", f.Secret, "--payments-timeout", "1s", "--payments-pay-within", paymentTimeout.String(),
		"--payments-missing-within", (paymentTimeout / 3).String(),
		"--payments-max-open-orders", "0", // buyers go on while the provider is away
	}, args...)
	m := &orderWorkload{
		workload: newChaosTest(t, args...).newWorkload(harness.TimeoutContext(t, timeout)), provider: f,
		paymentTimeout: paymentTimeout, holdTime: paymentTimeout, adminCommands: make(chan adminCommand),
		streamClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		stock:        map[string]int{"tee": 1_000_000, "lamp": lamps, "print": 1_000_000}, seats: seats,
		halls: map[string]int{}, calledOff: map[string]bool{}, console: map[string]bool{},
	}
	m.nodeURLs = []string{m.node.URL()}
	m.setWebhooks(fakeportone.Webhooks{})
	m.createSales()
	admin := m.addUser("admin")
	m.adminGroup.Go(func() {
		for command := range m.adminCommands {
			admin.execute(m.ctx, command.path, command.body)
		}
	})
	return m
}

// createSales creates the products, the halls and the promotions.
func (m *orderWorkload) createSales() {
	for id, stock := range m.stock {
		m.node.MustCreate(m.ctx, m.client, "/api/v1/admin/products", map[string]any{"salePostId": id, "name": id, "price": prices[id], "stock": stock})
	}
	for id, h := range halls {
		m.createHall(id, h, m.seats, m.holdTime)
	}
	for id, p := range discounts {
		body := map[string]any{"promotionId": id, "name": id, "stock": 1_000_000, "perUserLimit": 1000}
		maps.Copy(body, p.body)
		m.node.MustCreate(m.ctx, m.client, "/api/v1/admin/promotions", body)
	}
}

// createHall creates a schedule whose seats are paid for.
func (m *orderWorkload) createHall(id string, h hall, seats int, holdTime time.Duration) {
	m.halls[id] = seats
	m.node.MustCreate(m.ctx, m.client, "/api/v1/admin/schedules", map[string]any{
		"scheduleId": id, "title": id, "startsAt": time.Now().Add(h.startsIn).UTC().Format("2006-01-02T15:04:05.000Z"),
		"holdSeconds": int(holdTime.Seconds()), "maxSeatsPerUser": 100, "payment": "required", "refundTiers": refundTiers,
		"sections": []any{map[string]any{"name": "A", "price": seatPrice, "rows": []any{map[string]any{"name": "1", "seats": seats}}}},
	})
}

// markConsole says that a payment may be refunded at the provider's console.
func (m *orderWorkload) markConsole(impUID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.console[impUID] = true
}

// addUser adds a user of one of the nodes.
func (m *orderWorkload) addUser(name string) *chaosUser {
	p := m.newUser(name)
	p.URL = harness.Pick(m.rng, m.nodeURLs...)
	m.users = append(m.users, p)
	return p
}

// startBuyers starts users with so many purchases each. Halfway the sale of prints is closed, and the performance "off" is called off.
func (m *orderWorkload) startBuyers(users, purchases int) *sync.WaitGroup {
	var buying sync.WaitGroup
	for i := range users {
		b := &buyer{chaosUser: m.addUser(fmt.Sprint("u", i)), other: m.addUser(fmt.Sprint("other", i)), workload: m}
		for _, p := range []*chaosUser{b.chaosUser, b.other} {
			m.watchAt(p.URL+"/subscribe/"+p.User, "")
		}
		buying.Go(func() {
			for n := range purchases {
				harness.Sleep(m.ctx, harness.RandomDuration(b.rng, 100*time.Millisecond))
				b.act()
				if i == 0 && n == purchases/2 {
					m.adminCommands <- adminCommand{"/api/v1/admin/products/print/close", map[string]any{"reason": "closed by the test"}}
					m.calledOff["off"] = true
					m.adminCommands <- adminCommand{"/api/v1/admin/schedules/off/cancel", map[string]any{"reason": "called off by the test"}}
				}
			}
		})
	}
	return &buying
}

// finish waits until all buyers are done and every order is settled, and then compares orders, payments, streams and the log, which
// it returns.
func (m *orderWorkload) finish(began time.Time, urged bool, clearFaults func()) (history []harness.LogCommand) {
	m.t.Helper()
	m.delayed.Wait()
	close(m.adminCommands)
	m.adminGroup.Wait()
	clearFaults()
	bought := time.Since(began)
	m.waitSettled(urged)
	m.waitHoldsEnded()
	settled := time.Since(began)
	m.streamReaders.Wait()
	m.reconcile()
	history = m.stopAndReplay()
	m.checkOrders(history)
	m.checkRefunds(history)
	harness.CheckSeatOwners(m.t, history)
	harness.CheckCouponOwners(m.t, history)
	m.checkReplays(history)
	m.t.Logf("killed %d times, %d answers; buying took %s, settled after %s, verified after %s", m.kills, m.answerCount.Load(),
		bought.Round(time.Second/10), (settled - bought).Round(time.Second/10), time.Since(began).Round(time.Second/10))
	return history
}

// setWebhooks sets how the provider sends webhooks to the node.
func (m *orderWorkload) setWebhooks(w fakeportone.Webhooks) {
	w.URL = m.node.URL() + "/api/v1/payments/webhook"
	if err := m.provider.SendWebhooks(w); err != nil {
		m.t.Error(err)
	}
}

// injectFaults makes this part of the provider's responses fail, until clearFaults is called.
func (m *orderWorkload) injectFaults(rate float64) (clearFaults func()) {
	if err := m.provider.RandomFaults(m.rng.Uint64(), rate); err != nil {
		m.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(m.ctx)
	rng, done := harness.ForkRNG(m.rng), make(chan struct{})
	go func() {
		defer close(done)
		for harness.Sleep(ctx, harness.RandomDuration(rng, 400*time.Millisecond)) {
			m.setWebhooks(harness.Pick(rng, fakeportone.Webhooks{}, fakeportone.Webhooks{Drop: true}, fakeportone.Webhooks{Copies: 3}, fakeportone.Webhooks{Reorder: true}))
		}
	}()
	return func() {
		stop()
		<-done
		m.provider.ClearFaults()
		m.setWebhooks(fakeportone.Webhooks{})
	}
}

// payments are those of all orders; nil: not at the provider.
func (m *orderWorkload) payments() map[string]*fakeportone.Payment {
	all := map[string]*fakeportone.Payment{}
	m.mu.Lock()
	for _, o := range m.orders {
		all[o.impUID] = nil
	}
	m.mu.Unlock()
	for _, p := range m.provider.Payments() {
		all[p.ImpUID] = &p
	}
	return all
}

// resendWebhook repeats PortOne's webhook.
func (m *orderWorkload) resendWebhook(impUID string, p *fakeportone.Payment) {
	merchantUID := "m"
	if p != nil {
		merchantUID = p.MerchantUID
	}
	r, err := http.NewRequestWithContext(m.ctx, http.MethodPost, m.node.URL()+"/api/v1/payments/webhook",
		bytes.NewReader(fmt.Appendf(nil, `{"imp_uid":%q,"merchant_uid":%q,"status":"paid"}`, impUID, merchantUID)))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := m.client.Do(r)
	if err != nil {
		m.t.Error(err)
		return
	}
	response.Body.Close()
}
