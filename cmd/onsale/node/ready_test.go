package node_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/streams/streamtest"
)

// While its NATS is stopped, a node says that it is not ready, ends its streams with a retry delay, and refuses reads, which
// would be stale. When NATS is back, so is the node.
func TestNode_IsNotReadyWithoutLog(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 2*time.Minute), harness.NewHTTPClient(t, 0)
	server := streamtest.Cluster(t, 1)
	at := harness.NewNode(t, "--demo", "--nats-url", server.URLs[0], "--nats-replicas", "1",
		"--log-commands-max-bytes", "64MiB", "--log-events-max-bytes", "64MiB")
	start(t, at)
	at.IssueCoupons(ctx, client, "u1")
	stream, err := http.Get(at.URL() + "/subscribe/u1")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	ended := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(bufio.NewReader(stream.Body))
		ended <- string(all)
	}()
	ready := func() bool { return at.MustDo(ctx, client, "GET", "/readyz", "").Status == http.StatusOK }
	if !ready() {
		t.Fatal("not ready at first")
	}
	server.Stop(0)
	stopped := time.Now()
	for ready() && time.Since(stopped) < 8*time.Second {
		harness.Sleep(ctx, 50*time.Millisecond)
	}
	if took := time.Since(stopped); took > 6*time.Second {
		t.Errorf("ready for %v without NATS", took.Round(time.Second))
	}
	select {
	case all := <-ended:
		if i := strings.LastIndex(all, "\n\n"); i < 0 || !strings.Contains(all[max(0, len(all)-20):], "retry: ") {
			t.Errorf("the stream ends with %q, want a retry delay", all[max(0, len(all)-100):])
		}
	case <-time.After(time.Until(stopped.Add(13 * time.Second))):
		t.Error("the stream goes on without NATS")
	}
	harness.CheckRejectFrame(t, "a new stream", at.MustDo(ctx, client, "GET", "/api/v1/schedules/demo/seats/events", ""))
	for _, path := range []string{
		"/api/v1/promotions", "/api/v1/promotions/demo", "/api/v1/schedules/demo/seats", "/api/v1/me/coupons", "/api/v1/admin/stats",
		"/api/v1/admin/export/coupons.csv", "/api/v1/requests/" + strings.Repeat("A", 22) + "?sequence=900000",
	} {
		a := at.MustDo(ctx, client, "GET", path, "", "X-User-Id", "u1")
		if a.Status != http.StatusServiceUnavailable || a.Code() != "not_caught_up" || a.Header.Get("Retry-After") == "" {
			t.Errorf("GET %s: got %v, want 503 not_caught_up with Retry-After", path, a)
		}
	}
	if a := at.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", "u2"); a.Status != http.StatusServiceUnavailable {
		t.Errorf("a command: got %v, want 503", a)
	}
	harness.Sleep(ctx, time.Until(stopped.Add(20*time.Second)))
	server.Restart(0)
	restarted := time.Now()
	for !ready() && time.Since(restarted) < 30*time.Second {
		harness.Sleep(ctx, 50*time.Millisecond)
	}
	t.Logf("ready %v after NATS", time.Since(restarted).Round(100*time.Millisecond))
	at.IssueCoupons(ctx, client, "u3")
	if a := at.MustDo(ctx, client, "GET", "/api/v1/me/coupons", "", "X-User-Id", "u3"); a.Status != http.StatusOK || !strings.Contains(a.Body, "demo-") {
		t.Errorf("a read afterwards: %v", a)
	}
}
