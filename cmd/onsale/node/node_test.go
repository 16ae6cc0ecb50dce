package node_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/cmd/onsale/node"
	"onsale/config"
)

func TestMain(m *testing.M) { harness.Main(m) }

// start runs a node in this process, with the data, address and flags of at. stop shuts it down.
func start(t *testing.T, at *harness.Node) (stop func()) {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse(append([]string{"--data", at.Data, "--listen", at.Addr}, at.Args...)); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(flags, []string{"ONSALE_NODE=box-1", "ONSALE_LIMITS_PER_USER=0"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n, err := node.Open(ctx, cfg, at.Addr, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, n.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// The demo is open before the node serves: the first request finds it.
func TestNode_OpensDemoFirst(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	for range 3 {
		at := harness.NewNode(t, "--demo")
		stop := start(t, at)
		a := at.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", "kim")
		if !strings.Contains(a.Body, `"sequence":6000`) || !strings.Contains(a.Body, `-5"`) {
			t.Errorf("the first command got %v, want sequence 6000, after the demo's five commands and their events", a)
		}
		stop()
	}
}

// In a data directory from before the concert, --demo adds what is missing and leaves the rest as it is.
func TestNode_AddsMissingDemo(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	at := harness.NewNode(t)
	stop := start(t, at)
	at.MustDo(ctx, client, "POST", "/api/v1/admin/promotions", `{"promotionId":"demo","name":"old","stock":7}`)
	at.MustDo(ctx, client, "POST", "/api/v1/admin/schedules", `{"scheduleId":"demo","title":"old","sections":[{"name":"A","price":1,"rows":[{"name":"1","seats":2}]}]}`)
	at.MustDo(ctx, client, "POST", "/api/v1/admin/products", `{"salePostId":"demo","name":"old","price":1,"stock":1}`)
	stop()
	at.Args = append(at.Args, "--demo")
	for range 2 { // the second start adds nothing
		stop = start(t, at)
		for path, want := range map[string]string{
			"/api/v1/promotions/demo": `"name":"old","stock":7,`, "/api/v1/schedules/demo": `"seats":{"total":2,`, "/api/v1/products/demo": `"name":"old","price":1,`,
			"/api/v1/promotions/concert": `"stock":500,`, "/api/v1/schedules/concert": `"seats":{"total":2000,"available":2000,`,
		} {
			if a := at.MustDo(ctx, client, "GET", path, ""); !strings.Contains(a.Body, want) || !strings.HasSuffix(a.Header.Get("Last-Event-ID"), "-5") {
				t.Errorf("%s: got %v, want %s after five events", path, a, want)
			}
		}
		stop()
	}
}

// A store that is damaged under a running node is not served: reads get 503 and the node ends with the reason. The next start
// rebuilds it.
func TestNode_EndsOnDamagedStore(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{8192, 0} { // with an empty file bbolt panics with a lock held
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
			at := harness.NewNode(t, "--demo", "--streams-drain-window", "1s")
			n := at.Start()
			at.IssueCoupons(ctx, client, "u1", "u2")
			if err := os.Truncate(filepath.Join(at.Data, "store.db"), size); err != nil {
				t.Fatal(err)
			}
			if size > 0 {
				if a := at.MustDo(ctx, client, "GET", "/api/v1/promotions/demo", ""); a.Status != http.StatusServiceUnavailable || a.Code() != "halted" {
					t.Errorf("a read got %v, want 503 halted", a)
				}
			} else {
				at.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", "u9")
			}
			if code := n.ExitCode(t); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if !strings.Contains(n.Stderr(), "the read store is damaged") || strings.Contains(n.Stderr(), "goroutine") {
				t.Errorf("the log has %s, want the reason", n.Stderr())
			}
			stop := start(t, at)
			at.IssueCoupons(ctx, client, "u3")
			stop()
			at.MustAudit()
		})
	}
}

// An older copy of the log is restored beside a newer store, older than the outbox can republish. The node halts: it decides
// nothing, shows nothing and reports why; with the right log it continues.
func TestNode_HaltsOnOlderLog(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	at := harness.NewNode(t, "--demo")
	log, older, newer := filepath.Join(at.Data, "jetstream"), filepath.Join(t.TempDir(), "older"), filepath.Join(t.TempDir(), "newer")
	stop := start(t, at)
	at.IssueCoupons(ctx, client, "u1", "u2")
	stop()
	if err := os.CopyFS(older, os.DirFS(log)); err != nil {
		t.Fatal(err)
	}
	stop = start(t, at)
	at.IssueCoupons(ctx, client, "u3")
	harness.Sleep(ctx, time.Second) // events that are confirmed together leave the outbox together
	at.IssueCoupons(ctx, client, "u4")
	harness.Sleep(ctx, 2500*time.Millisecond) // the outbox's retention
	at.IssueCoupons(ctx, client, "u5")
	head := at.MustDo(ctx, client, "GET", "/api/v1/promotions/demo", "").Header.Get("Last-Event-ID")
	stop()
	if err := os.Rename(log, newer); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(log, os.DirFS(older)); err != nil {
		t.Fatal(err)
	}

	stop = start(t, at)
	checkHalted(ctx, t, at, client, head, "backwards")
	stop()
	if err := os.RemoveAll(log); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(newer, log); err != nil {
		t.Fatal(err)
	}
	stop = start(t, at)
	if a := at.MustDo(ctx, client, "GET", "/readyz", ""); a.Status != http.StatusOK {
		t.Errorf("with the right log: %v, want ready", a)
	}
	at.IssueCoupons(ctx, client, "u6")
	stop()
	at.MustAudit()
}

// With a read store of another log the node halts too, without opening the store.
func TestNode_HaltsOnForeignStore(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	at, other := harness.NewNode(t, "--demo"), harness.NewNode(t, "--demo")
	for _, each := range []*harness.Node{at, other} {
		stop := start(t, each)
		each.IssueCoupons(ctx, client, "u1")
		stop()
	}
	if err := os.Rename(filepath.Join(other.Data, "store.db"), filepath.Join(at.Data, "store.db")); err != nil {
		t.Fatal(err)
	}
	stop := start(t, at)
	checkHalted(ctx, t, at, client, "abcdefgh-1", "the read store belongs to another log")
	stop()
	if _, stderr, code := at.RunTool("audit", "--data", at.Data); code != 1 || !strings.Contains(stderr, "belongs to another log") {
		t.Errorf("audit: exit code %d, %s; want 1, and why", code, stderr)
	}
}

// checkHalted checks every kind of response of a halted node.
func checkHalted(ctx context.Context, t *testing.T, at *harness.Node, client *http.Client, head, reason string) {
	t.Helper()
	if a := at.MustDo(ctx, client, "GET", "/healthz", ""); a.Status != http.StatusOK {
		t.Errorf("healthz: got %v, want 200", a)
	}
	if a := at.MustDo(ctx, client, "GET", "/readyz", ""); a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Body, "halted: ") || !strings.Contains(a.Body, reason) {
		t.Errorf("readyz: got %v, want 503 and why: %s", a, reason)
	}
	for _, path := range []string{
		"/api/v1/promotions", "/api/v1/promotions/demo", "/api/v1/promotions/nowhere", "/api/v1/schedules", "/api/v1/schedules/demo/seats",
		"/api/schedules/demo/seats", "/api/v1/schedules/demo/seats/summary", "/api/v1/schedules/demo/seats/my-holds", "/api/v1/me/coupons",
		"/api/v1/me/holds", "/api/v1/me/reservations", "/api/v1/requests/" + strings.Repeat("A", 22), "/api/v1/promotions?after=" + head,
	} {
		a := at.MustDo(ctx, client, "GET", path, "", "X-User-Id", "u1")
		if a.Status != http.StatusServiceUnavailable || a.Code() != "halted" || a.Header.Get("Retry-After") == "" {
			t.Errorf("GET %s: got %v, want 503 halted with Retry-After", path, a)
		}
	}
	for path, body := range map[string]string{
		"/api/v1/promotions/demo/coupons":         "",
		"/api/v1/schedules/demo/seats/hold":       `{"scheduleSeatIds":[1]}`,
		"/api/v1/schedules/demo/seats/release":    `{"holdId":"h1000"}`,
		"/api/v1/admin/promotions":                `{"name":"n","stock":1}`,
		"/api/v1/schedules/nowhere/seats/reserve": `{"holdId":"h1000"}`,
	} {
		a := at.MustDo(ctx, client, "POST", path, body, "X-User-Id", "u1", "Idempotency-Key", "k")
		if a.Status != http.StatusServiceUnavailable || a.Code() != "halted" || a.Header.Get("Retry-After") == "" ||
			a.Header.Get("Idempotency-Key") != "k" || !strings.Contains(a.Body, `"requestId"`) {
			t.Errorf("POST %s: got %v, want 503 halted with Retry-After, the key and its request", path, a)
		}
	}
	for _, path := range []string{"/subscribe/u1", "/api/v1/schedules/demo/seats/events", "/api/v1/schedules/nowhere/seats/events", "/api/schedules/demo/seats/events"} {
		harness.CheckRejectFrame(t, path, at.MustDo(ctx, client, "GET", path, ""))
		harness.CheckRejectFrame(t, path+" again", at.MustDo(ctx, client, "GET", path, "", "Last-Event-ID", head))
	}
}

// Streams beyond a limit are rejected; metrics and /debug/streams show both.
func TestStreams_RespectLimits(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	at := harness.NewNode(t, "--demo", "--streams-max-per-user", "2")
	stop := start(t, at)
	for _, path := range []string{"/subscribe/kim", "/api/v1/me/events", "/api/v1/schedules/demo/seats/events"} {
		r, _ := http.NewRequestWithContext(ctx, "GET", at.URL()+path, nil)
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
	harness.CheckRejectFrame(t, "kim's third stream", at.MustDo(ctx, client, "GET", "/subscribe/kim", ""))
	harness.CheckRejectFrame(t, "a resumed stream", at.MustDo(ctx, client, "GET", "/subscribe/kim", "", "Last-Event-ID", "k3v9x0ab-1"))

	list := at.MustDo(ctx, client, "GET", "/debug/streams?format=text", "")
	for strings.Contains(list.Body, " opening") && harness.Sleep(ctx, 10*time.Millisecond) { // its first frame is on its way
		list = at.MustDo(ctx, client, "GET", "/debug/streams?format=text", "")
	}
	for _, want := range []string{`(?m)^schedule +demo +\w{8}-\d+ +0 +\ds +live$`, `(?m)^user +kim +\w{8}-\d+ +0 +\ds +live$`, `(?m)^3 of 3 streams$`} {
		if !regexp.MustCompile(want).MatchString(list.Body) {
			t.Errorf("the list has no %s:\n%s", want, list.Body)
		}
	}
	metrics := strings.Split(at.MustDo(ctx, client, "GET", "/metrics", "").Body, "\n")
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
	stop()
}
