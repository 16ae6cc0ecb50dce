// Orders under kill -9, with a payment provider that is as bad as providers are: it answers late, twice, wrongly or not at
// all, its webhooks come doubled, late or never, and people do everything with their money that people do.

package chaos

import (
	"strings"
	"testing"
	"time"

	"onsale/http/payments/portone/fakeportone"
	"onsale/streams/streamtest"

	"onsale/cmd/onsale/e2e/harness"
)

// Hundreds, or ten thousand, orders of all kinds. Each has one verdict, for ever and for everybody; no won is taken that is
// not in a paid order, none goes back twice, and no unit is sold that is not there.
func TestChaos_Orders(t *testing.T) {
	people, things, kills := 40, 10, 4
	timeout, paymentTimeout, extraArgs := 60*time.Second, 3*time.Second, []string(nil)
	if harness.Long() {
		people, things, kills, timeout, paymentTimeout = 250, 40, 80, 20*time.Minute, 15*time.Second
		extraArgs = []string{"--streams-user-max-age", "30s"} // thousands wait
	}
	m := newOrderWorkload(t, people*things/6, timeout, paymentTimeout, extraArgs...)
	began := time.Now()
	clearFaults := m.injectFaults(0.1)
	trading := m.startBuyers(people, things)
	m.killRepeatedly(m.ctx, kills, people*things*4/3) // each is answered more than once
	trading.Wait()
	m.finish(began, !harness.Long(), clearFaults)
}

// Two nodes share one log and the work that orders make. One of them is killed in the middle of it, again and again.
func TestChaos_OrdersOfTwoNodes(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	m := newOrderWorkload(t, 30, 60*time.Second, 3*time.Second, "--nats-url", servers.URLs[0], "--nats-replicas", "1",
		"--log-commands-max-bytes", "1GiB", "--log-events-max-bytes", "1GiB")
	m.node.NATS = servers.URLs[0]
	second := harness.NewNode(t, append(m.node.Args, "--node", "box-2")...)
	process2 := second.Start()
	m.nodeURLs = append(m.nodeURLs, second.URL())
	began := time.Now()
	clearFaults := m.injectFaults(0.15)
	trading := m.startBuyers(20, 8)
	m.killRepeatedly(m.ctx, 3, 20*8)
	trading.Wait()
	m.finish(began, true, clearFaults)
	process2.Terminate(t)
}

// The provider is gone for a while. Orders are taken and wait, nothing is guessed meanwhile, and all are decided when it is
// back, without anybody's help.
func TestChaos_ProviderOutage(t *testing.T) {
	m := newOrderWorkload(t, 1000, 90*time.Second, time.Minute)
	if err := m.provider.Fail("", fakeportone.Fault{Kind: fakeportone.Reset}, 0); err != nil {
		t.Fatal(err)
	}
	m.setWebhooks(fakeportone.Webhooks{Drop: true})
	b := &buyer{chaosUser: m.addUser("kim"), other: m.addUser("lee"), workload: m}
	m.watch("/subscribe/kim", "")
	for range 40 {
		b.pay()
		b.underpay()
	}
	m.waitCircuitOpen()
	m.process.Kill() // and even now
	m.process = m.node.Start()
	m.waitCircuitOpen()
	for impUID, p := range m.payments() {
		if o := m.order(impUID); o.OrderStatus != "VERIFYING" {
			t.Errorf("nobody could ask about %+v, and the order is %+v", p, o)
		}
	}
	m.finish(time.Now(), false, m.provider.ClearFaults)
}

// waitCircuitOpen waits until the node leaves the provider alone.
func (m *orderWorkload) waitCircuitOpen() {
	m.t.Helper()
	for a := (harness.Response{}); !strings.Contains(a.Body, "\nonsale_payments_circuit_open 1\n"); {
		if !harness.Sleep(m.ctx, 50*time.Millisecond) {
			m.t.Fatalf("the circuit is not open:\n%s", a.Body)
		}
		a = m.node.MustDo(m.ctx, m.client, "GET", "/metrics", "")
	}
}
