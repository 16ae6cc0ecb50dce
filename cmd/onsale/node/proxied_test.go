package node_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// Streams that come through a trusted proxy count by the addresses of their clients.
func TestStreams_LimitClientsBehindProxy(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	at := harness.NewNode(t, "--demo", "--streams-max-per-address", "2", "--trusted-proxies", "127.0.0.1", "--auth-demo-anywhere", "--streams-drain-window", "0s")
	start(t, at)
	const schedule = "/api/v1/schedules/demo/seats/events"
	open := func(address string) {
		r, _ := http.NewRequestWithContext(ctx, "GET", at.URL()+schedule, nil)
		r.Header.Set("X-Forwarded-For", address)
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		first := make([]byte, len("event: connect"))
		if _, err := io.ReadFull(response.Body, first); err != nil || string(first) != "event: connect" {
			t.Errorf("from %s: got %q %v", address, first, err)
		}
	}
	for range 2 {
		open("203.0.113.1")
		open("203.0.113.2")
	}
	harness.CheckRejectFrame(t, "a third stream", at.MustDo(ctx, client, "GET", schedule, "", "X-Forwarded-For", "198.51.100.1, 203.0.113.1"))
	open("203.0.113.3")
}
