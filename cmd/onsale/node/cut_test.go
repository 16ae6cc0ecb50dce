package node_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/streams/streamtest"
)

// The network between a node and its NATS is cut, and no connection breaks. The node says so, refuses reads that would be stale, and is
// not ready again before it has decided what another node accepted meanwhile.
func TestNode_IsIsolatedByCut(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 2*time.Minute), harness.NewHTTPClient(t, 0)
	nats := streamtest.Cluster(t, 1)
	proxy := streamtest.NewProxy(t, nats.URLs[0])
	flags := []string{"--demo", "--nats-replicas", "1", "--log-commands-max-bytes", "64MiB", "--log-events-max-bytes", "64MiB"}
	near := harness.NewNode(t, append(flags, "--nats-url", nats.URLs[0])...)
	start(t, near)
	far := harness.NewNode(t, append(flags, "--nats-url", proxy.URL, "--node", "far")...)
	start(t, far)
	far.IssueCoupons(ctx, client, "u1")
	await := func(path string, status int, limit time.Duration) {
		t.Helper()
		for began := time.Now(); ; harness.Sleep(ctx, 50*time.Millisecond) {
			a := far.MustDo(ctx, client, "GET", path, "", "X-User-Id", "u2")
			if a.Status == status {
				t.Logf("GET %s: %d after %v", path, status, time.Since(began).Round(100*time.Millisecond))
				return
			}
			if time.Since(began) > limit {
				t.Fatalf("GET %s: %v, want %d within %v", path, a, status, limit)
			}
		}
	}
	await("/readyz", http.StatusOK, 20*time.Second)
	proxy.Hold(true)
	near.IssueCoupons(ctx, client, "u2")
	await("/readyz", http.StatusServiceUnavailable, 20*time.Second)
	await("/api/v1/me/coupons", http.StatusServiceUnavailable, 30*time.Second)
	proxy.Hold(false)
	await("/api/v1/me/coupons", http.StatusOK, 40*time.Second)
	if a := far.MustDo(ctx, client, "GET", "/api/v1/me/coupons", "", "X-User-Id", "u2"); !strings.Contains(a.Body, "demo-2") {
		t.Errorf("the first read after the cut lacks what was decided during it: %v", a)
	}
	await("/readyz", http.StatusOK, 20*time.Second)
	far.IssueCoupons(ctx, client, "u3")
}
