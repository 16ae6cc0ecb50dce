package e2e

import (
	"bufio"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// Streams beyond a limit are rejected; metrics and /debug/streams show both.
func TestStreams_RespectLimits(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo", "--streams-max-per-user", "2")
	process := node.StartDemo()
	for _, path := range []string{"/subscribe/kim", "/api/v1/me/events", "/api/v1/schedules/demo/seats/events"} {
		r, _ := http.NewRequestWithContext(ctx, "GET", node.URL()+path, nil)
		r.Header.Set("X-User-Id", "kim")
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if first, err := bufio.NewReader(response.Body).ReadString('\n'); first != "event: connect\n" || err != nil {
			t.Errorf("%s begins with %q %v", path, first, err)
		}
	}
	harness.CheckRejectFrame(t, "kim's third stream", node.MustDo(ctx, client, "GET", "/subscribe/kim", ""))
	harness.CheckRejectFrame(t, "a resumed stream", node.MustDo(ctx, client, "GET", "/subscribe/kim", "", "Last-Event-ID", "k3v9x0ab-1"))

	list := node.MustDo(ctx, client, "GET", "/debug/streams?format=text", "")
	for _, want := range []string{`(?m)^schedule +demo +\w{8}-\d+ +0 +\ds +live$`, `(?m)^user +kim +\w{8}-\d+ +0 +\ds +live$`, `(?m)^3 of 3 streams$`} {
		if !regexp.MustCompile(want).MatchString(list.Body) {
			t.Errorf("the list has no %s:\n%s", want, list.Body)
		}
	}
	metrics := strings.Split(node.MustDo(ctx, client, "GET", "/metrics", "").Body, "\n")
	for _, want := range []string{
		`onsale_streams_open{kind="user"} 2`,
		`onsale_streams_open{kind="schedule"} 1`,
		`onsale_streams_rejected_total 2`,
		`onsale_streams_rejected_by_limit_total{limit="all"} 0`,
		`onsale_streams_rejected_by_limit_total{limit="user"} 2`,
		`onsale_streams_dropped_total{reason="limit"} 2`,
		`onsale_streams_dropped_total{reason="slow"} 0`,
		`onsale_streams_drain_seconds 0`,
		`onsale_streams_behind 0`,
		`onsale_streams_lag_events_p99 0`,
		`onsale_streams_lag_events_max 0`,
	} {
		if !slices.Contains(metrics, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	process.Terminate(t)
}
