// Orders under kill -9, with a payment provider that is as bad as providers are: it answers late, twice, wrongly or not at
// all, its webhooks come doubled, late or never, and people do everything with their money that people do.

package main

import (
	"strings"
	"testing"
	"time"

	"onsale/http/portone/fake"
	"onsale/streams/streamtest"
)

// Hundreds, or ten thousand, orders of all kinds. Each has one verdict, for ever and for everybody; no won is taken that is
// not in a paid order, none goes back twice, and no unit is sold that is not there.
func TestChaos_Orders(t *testing.T) {
	people, things, kills := 40, 10, 4
	patience, payBy, calmer := 60*time.Second, 3*time.Second, []string(nil)
	if long() {
		people, things, kills, patience, payBy = 250, 40, 80, 20*time.Minute, 15*time.Second
		calmer = []string{"--streams-user-max-life", "30s"} // thousands wait
	}
	m := newMarket(t, people*things/6, patience, payBy, calmer...)
	began := time.Now()
	calm := m.weather(0.1)
	trading := m.trade(people, things)
	m.storm(m.ctx, kills, people*things*4/3) // each is answered more than once
	trading.Wait()
	m.over(began, !long(), calm)
}

// Two nodes share one log and the work that orders make. One of them is killed in the middle of it, again and again.
func TestChaos_OrdersOfTwoNodes(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	m := newMarket(t, 30, 60*time.Second, 3*time.Second, "--nats-url", servers.URLs[0], "--nats-replicas", "1",
		"--log-commands-max-bytes", "1GiB", "--log-events-max-bytes", "1GiB")
	m.box.nats = servers.URLs[0]
	second := newBox(t, append(m.box.args, "--node", "box-2")...)
	steady := second.start()
	m.doors = append(m.doors, second.url())
	began := time.Now()
	calm := m.weather(0.15)
	trading := m.trade(20, 8)
	m.storm(m.ctx, 3, 20*8)
	trading.Wait()
	m.over(began, true, calm)
	steady.end(t)
}

// The provider is gone for a while. Orders are taken and wait, nothing is guessed meanwhile, and all are decided when it is
// back, without anybody's help.
func TestChaos_ProviderAway(t *testing.T) {
	m := newMarket(t, 1000, 90*time.Second, time.Minute)
	if err := m.provider.Fail("", fake.Fault{Kind: fake.Reset}, 0); err != nil {
		t.Fatal(err)
	}
	m.hooks(fake.Webhooks{Drop: true})
	b := &buyer{person: m.someone("kim"), other: m.someone("lee"), market: m}
	m.watch("/subscribe/kim", "")
	for range 40 {
		b.pays()
		b.paysTooLittle()
	}
	m.untilAway()
	m.life.kill() // and even now
	m.life = m.box.start()
	m.untilAway()
	for impUID, p := range m.payments() {
		if o := m.order(impUID); o.OrderStatus != "VERIFYING" {
			t.Errorf("nobody could ask about %+v, and the order is %+v", p, o)
		}
	}
	m.over(time.Now(), false, m.provider.Behave)
}

// untilAway waits until the node leaves the provider alone.
func (m *market) untilAway() {
	m.t.Helper()
	for a := (answered{}); !strings.Contains(a.body, "\nonsale_payments_away 1\n"); {
		if !pause(m.ctx, 50*time.Millisecond) {
			m.t.Fatalf("the provider is not away:\n%s", a.body)
		}
		a = m.box.must(m.ctx, m.client, "GET", "/metrics", "")
	}
}
