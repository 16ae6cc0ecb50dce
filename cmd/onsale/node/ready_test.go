package node_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/projections"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// While its NATS is stopped, a node says that it is not ready, ends its streams with a retry delay, and refuses reads, which
// would be stale. When NATS is back, so is the node.
func TestNode_IsNotReadyWithoutLog(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 2*time.Minute), harness.NewHTTPClient(t, 0)
	nats := streamtest.Cluster(t, 1)
	at := harness.NewNode(t, "--demo", "--nats-url", nats.URLs[0], "--nats-replicas", "1",
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
	nats.Stop(0)
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
	nats.Restart(0)
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

// While its cluster has no quorum, a server still answers, but what it says may be stale.
func TestNode_IsNotReadyWithoutQuorum(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 2*time.Minute), harness.NewHTTPClient(t, 0)
	servers := streamtest.Cluster(t, 3)
	at := harness.NewNode(t, "--demo", "--nats-url", strings.Join(servers.URLs, ","),
		"--log-commands-max-bytes", "64MiB", "--log-events-max-bytes", "64MiB")
	start(t, at)
	at.IssueCoupons(ctx, client, "u1")
	left := max(0, servers.LeaderOf("COMMANDS")) // the leader is the one that believes for longest
	stopped := time.Now()
	servers.Stop((left + 1) % 3)
	servers.Stop((left + 2) % 3)
	status := func(path string) int { return at.MustDo(ctx, client, "GET", path, "").Status }
	for status("/readyz") == http.StatusOK && time.Since(stopped) < 40*time.Second {
		harness.Sleep(ctx, 100*time.Millisecond)
	}
	t.Logf("unready %v after the quorum was lost", time.Since(stopped).Round(100*time.Millisecond))
	for status("/api/v1/promotions/demo") == http.StatusOK && time.Since(stopped) < 40*time.Second {
		harness.Sleep(ctx, 100*time.Millisecond)
	}
	if took := time.Since(stopped); took > 30*time.Second {
		t.Errorf("reads without quorum for %v", took.Round(time.Second))
	} else {
		t.Logf("reads are refused after %v", took.Round(100*time.Millisecond))
	}
	servers.Restart((left + 1) % 3)
	restarted := time.Now()
	for status("/readyz") != http.StatusOK && time.Since(restarted) < 60*time.Second {
		harness.Sleep(ctx, 100*time.Millisecond)
	}
	t.Logf("ready %v after the quorum was back", time.Since(restarted).Round(100*time.Millisecond))
	at.IssueCoupons(ctx, client, "u2")
}

// A login that NATS refuses for a while, as while a password is changed, is tried until it succeeds.
func TestNode_SurvivesRefusedLogin(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	address, dir := harness.FreeAddress(t), t.TempDir()
	serve := func(password string) (stop func()) {
		port, _ := strconv.Atoi(address[strings.LastIndex(address, ":")+1:])
		s, err := server.NewServer(&server.Options{
			Host: "127.0.0.1", Port: port, Username: "onsale", Password: password, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if !s.ReadyForConnections(10 * time.Second) {
			t.Fatal("nats-server does not start")
		}
		return func() {
			s.Shutdown()
			s.WaitForShutdown()
		}
	}
	stop := serve("right")
	at := harness.NewNode(t, "--demo", "--nats-url", "nats://onsale:right@"+address, "--nats-replicas", "1",
		"--log-commands-max-bytes", "64MiB", "--log-events-max-bytes", "64MiB")
	stopNode := start(t, at)
	at.IssueCoupons(ctx, client, "u1")
	stop()
	stop = serve("wrong")
	harness.Sleep(ctx, 7*time.Second)
	checkNotReady(ctx, t, at, client, "the log has not answered")
	stop()
	stop = serve("right")
	for at.MustDo(ctx, client, "GET", "/readyz", "").Status != http.StatusOK && harness.Sleep(ctx, 100*time.Millisecond) {
	}
	at.IssueCoupons(ctx, client, "u2")
	stopNode()
	stop()
}

// checkNotReady requires 503 with this reason, within a second.
func checkNotReady(ctx context.Context, t *testing.T, at *harness.Node, client *http.Client, reason string) {
	t.Helper()
	harness.Sleep(ctx, time.Second)
	if a := at.MustDo(ctx, client, "GET", "/readyz", ""); a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Body, reason) {
		t.Errorf("readyz: got %v, want 503 and %q", a, reason)
	}
}

// A data directory that was renamed away under a running node is missed.
func TestNode_IsNotReadyWithoutData(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	at := harness.NewNode(t, "--demo")
	stop := start(t, at)
	at.IssueCoupons(ctx, client, "u1")
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(at.Data, moved); err != nil {
		t.Fatal(err)
	}
	checkNotReady(ctx, t, at, client, "the data directory is not the one that this node opened")
	if err := os.Rename(moved, at.Data); err != nil {
		t.Fatal(err)
	}
	stop()
	at.MustAudit()
}

// After a command under a clock that was ahead, log time is ahead, and the node says so.
func TestNode_IsNotReadyWithLogTimeAhead(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	at := harness.NewNode(t)
	decideAt(t, at, domain.At(time.Now().Add(time.Hour)))
	start(t, at)
	checkNotReady(ctx, t, at, client, "log time is 59m5")
	metrics := at.MustDo(ctx, client, "GET", "/metrics", "").Body
	if !strings.Contains(metrics, "\nonsale_log_time_ahead_seconds 359") || !strings.Contains(metrics, "\nonsale_ready 0\n") {
		t.Errorf("the metrics do not show it")
	}
}

// decideAt decides one command on the node's data as if it had arrived at a time.
func decideAt(t *testing.T, at *harness.Node, when domain.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	log, err := streams.Open(ctx, streams.Config{Dir: at.Data, Node: "box-1", CommandsMaxBytes: 8 << 30, EventsMaxBytes: 16 << 30, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	projector, _, err := projections.Open(ctx, projections.Config{
		Path: filepath.Join(at.Data, "store.db"), Log: log, Epoch: log.Epoch(), Logger: slog.New(slog.DiscardHandler), OutboxRetention: time.Second,
		ConsumeCommands: func(ctx context.Context, from uint64) (projections.CommandConsumer, error) {
			commands, err := log.ConsumeCommands(ctx, from)
			return streamtest.RetimeCommands(ctx, commands, func(domain.Batch) domain.Time { return when }), err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer projector.Close()
	runCtx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- projector.Run(runCtx) }()
	sequence, err := log.Append(ctx, domain.Command{Entity: "p", User: "admin", Request: domain.NewRequestID("admin", "k"), Body: coupons.Create{Name: "n", Stock: 1}})
	if err == nil {
		err = projector.WaitDecided(ctx, sequence)
	}
	stop()
	if runErr := <-ended; err != nil || runErr != nil {
		t.Fatal(err, runErr)
	}
}
