package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"onsale/cmd/onsale/e2e/harness"
	api "onsale/http/client"
)

// What a node has published before kill -9, it shows in its first response after a restart: no client sees less than before,
// and a repeated request gets its outcome instead of 202.
func TestRestart_ShowsPublishedResults(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	for i := range 6 {
		user := fmt.Sprint("u", i)
		node.IssueCoupons(ctx, client, user)
		process.Kill()
		client.CloseIdleConnections()
		process = node.Start()
		if a := node.MustDo(ctx, client, "GET", "/api/v1/me/coupons", "", "X-User-Id", user); !strings.Contains(a.Body, fmt.Sprintf(`"couponId":"demo-%d"`, i+1)) {
			t.Errorf("%s had coupon %d, and after a restart sees %v", user, i+1, a)
		}
		a := node.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", user, "Idempotency-Key", "k")
		if a.Status != http.StatusCreated || a.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s had coupon %d, and the repeated request after a restart gets %v", user, i+1, a)
		}
	}
	process.Terminate(t)
	node.MustAudit()
}

// At shutdown every stream gets a retry delay, every long poll an answer, and the process ends within 15 s: also with hundreds
// of streams, and with connections that send nothing.
func TestShutdown_ClosesGracefully(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	const streams, window = 400, 3 * time.Second // at a hundred a second they would take four
	node := harness.NewNode(t, "--demo", "--streams-drain-window", window.String())
	process := node.StartDemo()
	node.IssueCoupons(ctx, client, "u0")

	var group sync.WaitGroup
	var ended, answers, totalDelay atomic.Int64
	open := make(chan struct{}, streams)
	for i := range streams {
		path := fmt.Sprintf("/subscribe/u%d", i)
		if i%3 == 0 {
			path = "/api/v1/schedules/demo/seats/events"
		}
		group.Go(func() {
			r, _ := http.NewRequestWithContext(ctx, "GET", node.URL()+path, nil)
			response, err := client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			lines := bufio.NewReader(response.Body)
			first, err := lines.ReadString('\n')
			if first != "event: connect\n" || err != nil {
				t.Errorf("%s begins with %q %v", path, first, err)
			}
			open <- struct{}{}
			rest, err := io.ReadAll(lines)
			end := string(rest[bytes.LastIndex(bytes.TrimSuffix(rest, []byte("\n\n")), []byte("\n\n"))+2:])
			if err != nil {
				t.Errorf("%s was cut off: %v", path, err)
			}
			totalDelay.Add(harness.CheckRejectFrame(t, path, harness.Response{Status: 200, Header: response.Header, Body: end}).Milliseconds())
			ended.Add(1)
		})
	}
	for range streams {
		<-open
	}
	polling := make(chan struct{}, 4)
	epoch, _, _ := strings.Cut(node.MustDo(ctx, client, "GET", "/api/v1/promotions", "").Header.Get("Last-Event-ID"), "-")
	for range 4 { // for an event that does not exist
		group.Go(func() {
			polling <- struct{}{}
			a, err := node.Do(ctx, client, "GET", "/api/v1/promotions?after="+epoch+"-900000", "")
			if err != nil || a.Status != http.StatusServiceUnavailable || a.Code() != "not_caught_up" {
				t.Errorf("a waiting read got %v %v, want not_caught_up", a, err)
			}
			answers.Add(1)
		})
	}
	for range 4 {
		<-polling
	}
	for _, text := range []string{"", "GET / HT"} {
		conn, err := net.Dial("tcp", node.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, text)
	}
	harness.Sleep(ctx, 200*time.Millisecond) // the reads are on their way
	done := make(chan time.Duration)
	go func() { done <- process.Terminate(t) }()

	// New streams get the same while the others end.
	for ended.Load() == 0 && harness.Sleep(ctx, time.Millisecond) {
	}
	for _, path := range []string{"/subscribe/late", "/api/v1/schedules/demo/seats/events"} {
		harness.CheckRejectFrame(t, "late "+path, node.MustDo(ctx, client, "GET", path, ""))
	}
	if a := node.MustDo(ctx, client, "GET", "/readyz", ""); a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Body, "shutting down") {
		t.Errorf("readyz says %v during the shutdown", a)
	}
	took := <-done
	group.Wait()
	if ended.Load() != streams || answers.Load() != 4 {
		t.Errorf("%d of %d streams and %d of 4 waiting reads ended properly", ended.Load(), streams, answers.Load())
	}
	// Each delay is the rest of the window, half of it on average, plus 2 to 5 s.
	average, want := time.Duration(totalDelay.Load()/streams)*time.Millisecond, window/2+3500*time.Millisecond
	if (average - want).Abs() > 300*time.Millisecond { // seven standard deviations
		t.Errorf("the average retry delay is %s, want about %s", average, want)
	}
	node.MustAudit()
	t.Logf("the shutdown took %s", took)
}

// With a full log users' commands are refused and admins' accepted; nothing is dropped, and with a larger limit it continues.
func TestCapacity_RefusesOnFullLog(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 90*time.Second), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo", "--log-commands-max-bytes", "8MiB")
	process := node.StartDemo()
	var large strings.Builder // rejected for naming too many seats, but in the log
	large.WriteString(`{"scheduleSeatIds":[10000`)
	for id := 10_001; large.Len() < 63<<10; id++ {
		fmt.Fprintf(&large, ",%d", id)
	}
	large.WriteString("]}")
	sent := 0
	send := func() harness.Response {
		sent++
		return node.MustDo(ctx, client, "POST", "/api/v1/schedules/demo/seats/hold", large.String(),
			"X-User-Id", "u1", "Idempotency-Key", fmt.Sprint(sent), "Prefer", "respond-async")
	}
	for range 95 {
		if a := send(); a.Status != http.StatusAccepted {
			t.Fatalf("after %d: %v", sent, a)
		}
	}
	var refused harness.Response
	for refused.Status == 0 {
		if a := send(); a.Status != http.StatusAccepted {
			refused = a
		}
		if sent > 140 {
			t.Fatalf("%d commands of 63 KiB are in a log of 8 MiB", sent)
		}
		harness.Sleep(ctx, 100*time.Millisecond)
	}
	checkLogFull := func(a harness.Response) {
		t.Helper()
		if a.Status != http.StatusServiceUnavailable || a.Code() != "log_full" || a.Header.Get("Retry-After") == "" {
			t.Errorf("got %d %s, want 503 log_full with Retry-After", a.Status, a.Body)
		}
	}
	checkLogFull(refused)
	if a := node.MustDo(ctx, client, "POST", "/api/v1/admin/promotions", `{"promotionId":"more","name":"more","stock":5}`, "Idempotency-Key", "k"); a.Status != http.StatusCreated {
		t.Errorf("an admin's command got %v, want 201", a)
	}
	if a := node.MustDo(ctx, client, "GET", "/api/v1/promotions/more", ""); a.Status != http.StatusOK {
		t.Errorf("reading: %v", a)
	}
	process.Terminate(t)

	node.Args = []string{"--log-commands-max-bytes", "16MiB"}
	process = node.Start()
	node.IssueCoupons(ctx, client, "u1", "u2")
	replay := node.MustDo(ctx, client, "POST", "/api/v1/schedules/demo/seats/hold", large.String(), "X-User-Id", "u1", "Idempotency-Key", "1")
	if replay.Status != http.StatusConflict || replay.Code() != "too_many_seats" || replay.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the first one repeated: got %d %s, want its rejection", replay.Status, replay.Body)
	}
	last := node.MustDo(ctx, client, "POST", "/api/v1/schedules/demo/seats/hold", large.String(), "X-User-Id", "u1", "Idempotency-Key", fmt.Sprint(sent), "Prefer", "wait=10")
	if last.Status != http.StatusConflict || last.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the refused one repeated: got %d %s, want it decided now, for the first time", last.Status, last.Body)
	}
	process.Terminate(t)
	node.MustAudit()
}

// With an almost full disk users' commands are refused before anything can be lost.
func TestCapacity_RefusesOnFullDisk(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo", "--log-min-free-disk", "1000000GiB")
	process := node.StartDemo()
	checkFull(ctx, t, node, client)
	process.Terminate(t)
	node.Args = nil
	process = node.Start()
	node.IssueCoupons(ctx, client, "u1")
	process.Terminate(t)
	if !harness.Long() { // the rest needs half a GiB of disk that nothing else fills
		return
	}

	var disk unix.Statfs_t
	if err := unix.Statfs(node.Data, &disk); err != nil {
		t.Fatal(err)
	}
	free := disk.Bavail * uint64(disk.Bsize)
	node.Args = []string{"--log-min-free-disk", fmt.Sprint((free-256<<20)>>20) + "MiB"}
	process = node.Start()
	node.IssueCoupons(ctx, client, "u2")
	filler := filepath.Join(node.Data, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Fallocate(int(f.Fd()), 0, 0, 1<<29); err != nil {
		t.Skip("no space can be allocated here:", err)
	}
	f.Close()
	checkFull(ctx, t, node, client)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	c := api.Client{URL: node.URL(), User: "u3", HTTP: client, Attempts: 1}
	for {
		a, err := c.Issue(ctx, "demo", api.Options{Key: "k", Wait: new(5 * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		if a.HTTPStatus == http.StatusCreated {
			break
		}
		harness.Sleep(ctx, 50*time.Millisecond)
	}
	process.Terminate(t)
	node.MustAudit()
}

// checkFull waits for the node's next check of the disk, and requires a refusal.
func checkFull(ctx context.Context, t *testing.T, node *harness.Node, client *http.Client) {
	t.Helper()
	for i := 0; ; i++ {
		a := node.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", fmt.Sprint("early", i))
		if a.Status == http.StatusAccepted && harness.Sleep(ctx, 50*time.Millisecond) {
			continue
		}
		if a.Status != http.StatusServiceUnavailable || a.Code() != "log_full" || a.Header.Get("Retry-After") == "" || !strings.Contains(a.Body, "requestId") {
			t.Errorf("got %v, want 503 log_full with Retry-After", a)
		}
		return
	}
}

// A byte of a log is damaged on the disk. nats-server would never deliver that message and report the log as healthy: the tools and
// the node end with an error before it sees the files.
func TestDamagedLog_IsReported(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 90*time.Second), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	node.IssueCoupons(ctx, client, "u1")
	process.Terminate(t)
	block := filepath.Join(node.Data, "jetstream", "$G", "streams", "EVENTS", "msgs", "1.blk")
	bytesOf, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(bytesOf, []byte(`"number":1`))
	bytesOf[at+len(`"number":1`)-1] = '7'
	if err := os.WriteFile(block, bytesOf, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"audit", "replay"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			copied := copyNode(t, node)
			stdout, stderr, code := copied.RunToolWithin(15*time.Second, tool, "--data", copied.Data)
			if code != 1 {
				t.Errorf("exit code %d, want 1 and the event that cannot be read\n%.2000s%s", code, stdout, stderr)
			}
		})
	}
	t.Run("serve", func(t *testing.T) {
		t.Parallel()
		copied := copyNode(t, node)
		_, stderr, code := copied.RunToolWithin(15*time.Second, "serve", "--data", copied.Data, "--listen", copied.Addr)
		if code != 1 || !strings.Contains(stderr, "EVENTS is damaged: everything from message 6 on") || !strings.Contains(stderr, "onsale repair") {
			t.Errorf("exit code %d, want 1, the event that cannot be read, and what to do\n%s", code, stderr)
		}
	})
}

// copyNode copies a stopped node's data.
func copyNode(t *testing.T, node *harness.Node) *harness.Node {
	t.Helper()
	copied := harness.NewNode(t, node.Args...)
	if err := os.CopyFS(copied.Data, os.DirFS(node.Data)); err != nil {
		t.Fatal(err)
	}
	return copied
}
