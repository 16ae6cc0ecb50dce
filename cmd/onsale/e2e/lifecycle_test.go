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

	httpd "onsale/http"

	"onsale/cmd/onsale/e2e/harness"
)

// What a node does at its end, and where it must not go on as usual.

// The demo is open when the node says that it listens: the first request of a newcomer, however quick, finds it.
func TestStart_OpensDemoFirst(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	for range 3 {
		b := harness.NewNode(t, "--demo")
		l := b.Start()
		a := b.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", "kim")
		if !strings.Contains(a.Body, `"sequence":4000`) || !strings.Contains(a.Body, `-3"`) {
			t.Errorf("the first to come got %v, want place 4000, behind the demo's three commands and their events", a)
		}
		l.Terminate(t)
	}
}

// Whatever a node has told before it was killed, its next life can tell from its first word on: nobody sees less than they
// saw, and the same wish is told what became of it, not that it stands in line again.
func TestRestart_ShowsPublishedResults(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	b := harness.NewNode(t, "--demo")
	l := b.StartDemo()
	for i := range 6 {
		user := fmt.Sprint("u", i)
		b.IssueCoupons(ctx, client, user)
		l.Kill()
		client.CloseIdleConnections()
		l = b.Start()
		if a := b.MustDo(ctx, client, "GET", "/api/v1/me/coupons", "", "X-User-Id", user); !strings.Contains(a.Body, fmt.Sprintf(`"couponId":"demo-%d"`, i+1)) {
			t.Errorf("%s had coupon %d, and after a restart sees %v", user, i+1, a)
		}
		a := b.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", user, "Idempotency-Key", "k")
		if a.Status != http.StatusCreated || a.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s had coupon %d, and after a restart is told %v", user, i+1, a)
		}
	}
	l.Terminate(t)
	b.MustAudit()
}

// At its end a node tells every stream when to come back, answers who waits, and is gone within 15 s: also with a crowd of
// streams, with long polls, and with people who say nothing.
func TestShutdown_ClosesGracefully(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	const streams, window = 400, 3 * time.Second // at a hundred a second they would take four
	b := harness.NewNode(t, "--demo", "--streams-drain-window", window.String())
	l := b.StartDemo()
	b.IssueCoupons(ctx, client, "u0")

	var group sync.WaitGroup
	var ended, answers, totalDelay atomic.Int64
	open := make(chan struct{}, streams)
	for i := range streams {
		path := fmt.Sprintf("/subscribe/u%d", i)
		if i%3 == 0 {
			path = "/api/v1/schedules/demo/seats/events"
		}
		group.Go(func() {
			r, _ := http.NewRequestWithContext(ctx, "GET", b.URL()+path, nil)
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
				t.Errorf("%s was torn: %v", path, err)
			}
			totalDelay.Add(harness.CheckRejectFrame(t, path, harness.Response{Status: 200, Header: response.Header, Body: end}).Milliseconds())
			ended.Add(1)
		})
	}
	for range streams {
		<-open
	}
	polling := make(chan struct{}, 4)
	for range 4 { // for what is not in line yet
		group.Go(func() {
			polling <- struct{}{}
			a, err := b.Do(ctx, client, "GET", "/api/v1/requests/"+strings.Repeat("A", 21)+"A?sequence=900000&wait=30s", "", "X-User-Id", "u0")
			if err != nil || a.Status != http.StatusOK || !strings.Contains(a.Body, `"PENDING"`) {
				t.Errorf("a long poll got %v %v, want PENDING", a, err)
			}
			answers.Add(1)
		})
	}
	for range 4 {
		<-polling
	}
	for _, text := range []string{"", "GET / HT"} {
		conn, err := net.Dial("tcp", b.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, text)
	}
	harness.Sleep(ctx, 200*time.Millisecond) // the long polls are on their way
	done := make(chan time.Duration)
	go func() { done <- l.Terminate(t) }()

	// Whoever comes while the streams end is told the same.
	for ended.Load() == 0 && harness.Sleep(ctx, time.Millisecond) {
	}
	for _, path := range []string{"/subscribe/late", "/api/v1/schedules/demo/seats/events"} {
		harness.CheckRejectFrame(t, "late "+path, b.MustDo(ctx, client, "GET", path, ""))
	}
	if a := b.MustDo(ctx, client, "GET", "/readyz", ""); a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Body, "shutting down") {
		t.Errorf("readyz says %v while it ends", a)
	}
	took := <-done
	group.Wait()
	if ended.Load() != streams || answers.Load() != 4 {
		t.Errorf("%d of %d streams and %d of 4 long polls had an end", ended.Load(), streams, answers.Load())
	}
	// Each waits for what is left of the window, and 2 to 5 s; what is left for them is half of it on the average.
	average, want := time.Duration(totalDelay.Load()/streams)*time.Millisecond, window/2+3500*time.Millisecond
	if (average - want).Abs() > 300*time.Millisecond { // seven standard deviations
		t.Errorf("the streams are told to wait for %s on the average, want about %s", average, want)
	}
	b.MustAudit()
	t.Logf("the end took %s", took)
}

// Somebody puts back an older copy of the log beside a store that knows more, more than the outbox can tell again. The node
// decides nothing and shows nothing, says why, and goes on as soon as the right log is there again.
func TestNode_HaltsOnOlderLog(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	b := harness.NewNode(t, "--demo")
	log, older, newer := filepath.Join(b.Data, "jetstream"), filepath.Join(t.TempDir(), "older"), filepath.Join(t.TempDir(), "newer")
	l := b.StartDemo()
	b.IssueCoupons(ctx, client, "u1", "u2")
	l.Terminate(t)
	if err := os.CopyFS(older, os.DirFS(log)); err != nil {
		t.Fatal(err)
	}
	l = b.Start()
	harness.Sleep(ctx, 300*time.Millisecond) // what is confirmed at the same time leaves the outbox together
	b.IssueCoupons(ctx, client, "u3", "u4")
	harness.Sleep(ctx, 2200*time.Millisecond) // as long as the outbox keeps what the log has
	b.IssueCoupons(ctx, client, "u5")
	head := b.MustDo(ctx, client, "GET", "/api/v1/promotions/demo", "").Header.Get("Last-Event-ID")
	l.Terminate(t)
	if err := os.Rename(log, newer); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(log, os.DirFS(older)); err != nil {
		t.Fatal(err)
	}

	l = b.Start()
	checkHalted(ctx, t, b, client, head, "backwards")
	l.Terminate(t)
	if err := os.RemoveAll(log); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(newer, log); err != nil {
		t.Fatal(err)
	}
	l = b.Start()
	if a := b.MustDo(ctx, client, "GET", "/readyz", ""); a.Status != http.StatusOK {
		t.Errorf("with the right log: %v, want ready", a)
	}
	b.IssueCoupons(ctx, client, "u6")
	l.Terminate(t)
	b.MustAudit()
}

// A read store that belongs to another log is no witness: the node is halted too, though it has no store to open at all.
func TestNode_HaltsOnForeignStore(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	b, other := harness.NewNode(t, "--demo"), harness.NewNode(t, "--demo")
	for _, each := range []*harness.Node{b, other} {
		l := each.StartDemo()
		each.IssueCoupons(ctx, client, "u1")
		l.Terminate(t)
	}
	if err := os.Rename(filepath.Join(other.Data, "store.db"), filepath.Join(b.Data, "store.db")); err != nil {
		t.Fatal(err)
	}
	l := b.Start()
	checkHalted(ctx, t, b, client, "abcdefgh-1", "the read store belongs to another log")
	l.Terminate(t)
	if _, stderr, code := b.RunTool("audit", "--data", b.Data); code != 1 || !strings.Contains(stderr, "belongs to another log") {
		t.Errorf("audit: exit code %d, %s; want 1, and why", code, stderr)
	}
}

// checkHalted wants everything that a halted node says, to everybody.
func checkHalted(ctx context.Context, t *testing.T, b *harness.Node, client *http.Client, head, reason string) {
	t.Helper()
	if a := b.MustDo(ctx, client, "GET", "/healthz", ""); a.Status != http.StatusOK {
		t.Errorf("healthz: got %v, want 200", a)
	}
	if a := b.MustDo(ctx, client, "GET", "/readyz", ""); a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Body, "halted: ") || !strings.Contains(a.Body, reason) {
		t.Errorf("readyz: got %v, want 503 and why: %s", a, reason)
	}
	for _, path := range []string{
		"/api/v1/promotions", "/api/v1/promotions/demo", "/api/v1/promotions/nowhere", "/api/v1/schedules", "/api/v1/schedules/demo/seats",
		"/api/schedules/demo/seats", "/api/v1/schedules/demo/seats/summary", "/api/v1/schedules/demo/seats/my-holds", "/api/v1/me/coupons",
		"/api/v1/me/holds", "/api/v1/me/reservations", "/api/v1/requests/" + strings.Repeat("A", 22), "/api/v1/promotions?after=" + head,
	} {
		a := b.MustDo(ctx, client, "GET", path, "", "X-User-Id", "u1")
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
		a := b.MustDo(ctx, client, "POST", path, body, "X-User-Id", "u1", "Idempotency-Key", "k")
		if a.Status != http.StatusServiceUnavailable || a.Code() != "halted" || a.Header.Get("Retry-After") == "" ||
			a.Header.Get("Idempotency-Key") != "k" || !strings.Contains(a.Body, `"requestId"`) {
			t.Errorf("POST %s: got %v, want 503 halted with Retry-After, the key and its request", path, a)
		}
	}
	for _, path := range []string{"/subscribe/u1", "/api/v1/schedules/demo/seats/events", "/api/v1/schedules/nowhere/seats/events", "/api/schedules/demo/seats/events"} {
		harness.CheckRejectFrame(t, path, b.MustDo(ctx, client, "GET", path, ""))
		harness.CheckRejectFrame(t, path+" again", b.MustDo(ctx, client, "GET", path, "", "Last-Event-ID", head))
	}
}

// A log that is full refuses people, keeps room for the shop itself, drops nothing, and goes on when it has grown.
func TestCapacity_RefusesOnFullLog(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 90*time.Second), harness.NewHTTPClient(t, 0)
	b := harness.NewNode(t, "--demo", "--log-commands-max-bytes", "8MiB")
	l := b.StartDemo()
	var large strings.Builder // refused by a rule for naming too many seats, but a command all the same
	large.WriteString(`{"scheduleSeatIds":[10000`)
	for id := 10_001; large.Len() < 63<<10; id++ {
		fmt.Fprintf(&large, ",%d", id)
	}
	large.WriteString("]}")
	sent := 0
	send := func() harness.Response {
		sent++
		return b.MustDo(ctx, client, "POST", "/api/v1/schedules/demo/seats/hold", large.String(),
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
	if a := b.MustDo(ctx, client, "POST", "/api/v1/admin/promotions", `{"promotionId":"more","name":"more","stock":5}`, "Idempotency-Key", "k"); a.Status != http.StatusCreated {
		t.Errorf("the shop itself got %v, want the room that is kept for it", a)
	}
	if a := b.MustDo(ctx, client, "GET", "/api/v1/promotions/more", ""); a.Status != http.StatusOK {
		t.Errorf("reading: %v", a)
	}
	l.Terminate(t)

	b.Args = []string{"--log-commands-max-bytes", "16MiB"}
	l = b.Start()
	b.IssueCoupons(ctx, client, "u1", "u2")
	replay := b.MustDo(ctx, client, "POST", "/api/v1/schedules/demo/seats/hold", large.String(), "X-User-Id", "u1", "Idempotency-Key", "1")
	if replay.Status != http.StatusConflict || replay.Code() != "too_many_seats" || replay.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the first one again: got %d %s, want its refusal", replay.Status, replay.Body)
	}
	last := b.MustDo(ctx, client, "POST", "/api/v1/schedules/demo/seats/hold", large.String(), "X-User-Id", "u1", "Idempotency-Key", fmt.Sprint(sent), "Prefer", "wait=10")
	if last.Status != http.StatusConflict || last.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the refused one again: got %d %s, want it decided now, for the first time", last.Status, last.Body)
	}
	l.Terminate(t)
	b.MustAudit()
}

// A disk that is almost full is the same, before anything can be lost.
func TestCapacity_RefusesOnFullDisk(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	b := harness.NewNode(t, "--demo", "--log-min-free-disk", "1000000GiB")
	l := b.StartDemo()
	checkFull(ctx, t, b, client)
	l.Terminate(t)
	b.Args = nil
	l = b.Start()
	b.IssueCoupons(ctx, client, "u1")
	l.Terminate(t)
	if !harness.Long() { // what follows wants half a GiB of disk, and nobody else who fills it
		return
	}

	var disk unix.Statfs_t
	if err := unix.Statfs(b.Data, &disk); err != nil {
		t.Fatal(err)
	}
	free := disk.Bavail * uint64(disk.Bsize)
	b.Args = []string{"--log-min-free-disk", fmt.Sprint((free-256<<20)>>20) + "MiB"}
	l = b.Start()
	b.IssueCoupons(ctx, client, "u2")
	ballast := filepath.Join(b.Data, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Fallocate(int(f.Fd()), 0, 0, 1<<29); err != nil {
		t.Skip("no ballast can be laid here:", err)
	}
	f.Close()
	checkFull(ctx, t, b, client)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	c := httpd.Client{URL: b.URL(), User: "u3", HTTP: client}
	for {
		a, err := c.Issue(ctx, "demo", httpd.CommandOptions{Key: "k", Wait: new(5 * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		if a.HTTPStatus == http.StatusCreated {
			break
		}
		harness.Sleep(ctx, 50*time.Millisecond)
	}
	l.Terminate(t)
	b.MustAudit()
}

// checkFull waits until the node has looked, and wants it to refuse.
func checkFull(ctx context.Context, t *testing.T, b *harness.Node, client *http.Client) {
	t.Helper()
	for i := 0; ; i++ {
		a := b.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", fmt.Sprint("early", i))
		if a.Status == http.StatusAccepted && harness.Sleep(ctx, 50*time.Millisecond) {
			continue
		}
		if a.Status != http.StatusServiceUnavailable || a.Code() != "log_full" || a.Header.Get("Retry-After") == "" || !strings.Contains(a.Body, "requestId") {
			t.Errorf("got %v, want 503 log_full with Retry-After", a)
		}
		return
	}
}

// A byte of a log has rotted on the disk. nats-server never delivers that message and calls the log healthy; the tools say
// so and end, and a node does not call itself ready.
func TestDamagedLog_IsReported(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 90*time.Second), harness.NewHTTPClient(t, 0)
	b := harness.NewNode(t, "--demo")
	l := b.StartDemo()
	b.IssueCoupons(ctx, client, "u1")
	l.Terminate(t)
	block := filepath.Join(b.Data, "jetstream", "$G", "streams", "EVENTS", "msgs", "1.blk")
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
		stdout, stderr, code := b.RunToolWithin(15*time.Second, tool, "--data", b.Data)
		if code != 1 {
			t.Errorf("onsale %s: exit code %d, want 1 and which event cannot be read\n%.2000s%s", tool, code, stdout, stderr)
		}
	}
	l = b.Start()
	for limit := time.Now().Add(20 * time.Second); ; {
		a := b.MustDo(ctx, client, "GET", "/readyz", "")
		if a.Status == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(limit) {
			t.Errorf("event 3 cannot be read, and the node is %v", a)
			break
		}
		harness.Sleep(ctx, 100*time.Millisecond)
	}
	l.Terminate(t)
}
