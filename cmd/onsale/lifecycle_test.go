package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	httpd "onsale/http"
)

// What a node does at its end, and where it must not go on as usual.

// apiResponse is one answer, whole.
type apiResponse struct {
	status int
	header http.Header
	body   string
}

// String is short enough for a terminal.
func (a apiResponse) String() string {
	return fmt.Sprintf("%d %v %.400s", a.status, a.header, a.body)
}

func (a apiResponse) code() string {
	var p struct{ Code string }
	_ = json.Unmarshal([]byte(a.body), &p) // "" then
	return p.Code
}

// do sends one request to the box.
func (b *testNode) do(ctx context.Context, client *http.Client, method, path, body string, header ...string) (apiResponse, error) {
	r, err := http.NewRequestWithContext(ctx, method, b.url()+path, strings.NewReader(body))
	if err != nil {
		return apiResponse{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		return apiResponse{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return apiResponse{response.StatusCode, response.Header, string(text)}, err
}

func (b *testNode) mustDo(ctx context.Context, client *http.Client, method, path, body string, header ...string) apiResponse {
	b.tb.Helper()
	a, err := b.do(ctx, client, method, path, body, header...)
	if err != nil {
		b.tb.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// issueCoupons asks for a coupon of the demo and wants it.
func (b *testNode) issueCoupons(ctx context.Context, client *http.Client, users ...string) {
	b.tb.Helper()
	for _, user := range users {
		a := b.mustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", user, "Prefer", "wait=10", "Idempotency-Key", "k")
		if a.status != http.StatusCreated {
			b.tb.Fatalf("%s got %v, want a coupon", user, a)
		}
	}
}

// checkRejectFrame wants a stream that tells when to come back, and nothing else. It gives the wait.
func checkRejectFrame(tb testing.TB, what string, a apiResponse) time.Duration {
	tb.Helper()
	delay, ok := strings.CutPrefix(strings.TrimSuffix(a.body, "\n\n"), "retry: ")
	ms, err := strconv.Atoi(delay)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/event-stream" || !ok || err != nil || ms < 2000 {
		tb.Errorf("%s: got %d %q, want a stream with a time to come back, no id, and its end", what, a.status, a.body)
	}
	return time.Duration(ms) * time.Millisecond
}

// The demo is open when the node says that it listens: the first request of a newcomer, however quick, finds it.
func TestStart_OpensDemoFirst(t *testing.T) {
	t.Parallel()
	ctx, client := timeoutContext(t, 60*time.Second), newHTTPClient(t, 0)
	for range 3 {
		b := newTestNode(t, "--demo")
		l := b.start()
		a := b.mustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", "kim")
		if !strings.Contains(a.body, `"sequence":4000`) || !strings.Contains(a.body, `-3"`) {
			t.Errorf("the first to come got %v, want place 4000, behind the demo's three commands and their events", a)
		}
		l.terminate(t)
	}
}

// Whatever a node has told before it was killed, its next life can tell from its first word on: nobody sees less than they
// saw, and the same wish is told what became of it, not that it stands in line again.
func TestRestart_ShowsPublishedResults(t *testing.T) {
	t.Parallel()
	ctx, client := timeoutContext(t, 60*time.Second), newHTTPClient(t, 0)
	b := newTestNode(t, "--demo")
	l := b.startDemo()
	for i := range 6 {
		user := fmt.Sprint("u", i)
		b.issueCoupons(ctx, client, user)
		l.kill()
		client.CloseIdleConnections()
		l = b.start()
		if a := b.mustDo(ctx, client, "GET", "/api/v1/me/coupons", "", "X-User-Id", user); !strings.Contains(a.body, fmt.Sprintf(`"couponId":"demo-%d"`, i+1)) {
			t.Errorf("%s had coupon %d, and after a restart sees %v", user, i+1, a)
		}
		a := b.mustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", user, "Idempotency-Key", "k")
		if a.status != http.StatusCreated || a.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s had coupon %d, and after a restart is told %v", user, i+1, a)
		}
	}
	l.terminate(t)
	b.mustAudit()
}

// At its end a node tells every stream when to come back, answers who waits, and is gone within 15 s: also with a crowd of
// streams, with long polls, and with people who say nothing.
func TestShutdown_ClosesGracefully(t *testing.T) {
	t.Parallel()
	ctx, client := timeoutContext(t, 60*time.Second), newHTTPClient(t, 0)
	const streams, window = 400, 3 * time.Second // at a hundred a second they would take four
	b := newTestNode(t, "--demo", "--streams-drain-window", window.String())
	l := b.startDemo()
	b.issueCoupons(ctx, client, "u0")

	var group sync.WaitGroup
	var ended, answers, totalDelay atomic.Int64
	open := make(chan struct{}, streams)
	for i := range streams {
		path := fmt.Sprintf("/subscribe/u%d", i)
		if i%3 == 0 {
			path = "/api/v1/schedules/demo/seats/events"
		}
		group.Go(func() {
			r, _ := http.NewRequestWithContext(ctx, "GET", b.url()+path, nil)
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
			totalDelay.Add(checkRejectFrame(t, path, apiResponse{200, response.Header, end}).Milliseconds())
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
			a, err := b.do(ctx, client, "GET", "/api/v1/requests/"+strings.Repeat("A", 21)+"A?sequence=900000&wait=30s", "", "X-User-Id", "u0")
			if err != nil || a.status != http.StatusOK || !strings.Contains(a.body, `"PENDING"`) {
				t.Errorf("a long poll got %v %v, want PENDING", a, err)
			}
			answers.Add(1)
		})
	}
	for range 4 {
		<-polling
	}
	for _, text := range []string{"", "GET / HT"} {
		conn, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, text)
	}
	sleep(ctx, 200*time.Millisecond) // the long polls are on their way
	done := make(chan time.Duration)
	go func() { done <- l.terminate(t) }()

	// Whoever comes while the streams end is told the same.
	for ended.Load() == 0 && sleep(ctx, time.Millisecond) {
	}
	for _, path := range []string{"/subscribe/late", "/api/v1/schedules/demo/seats/events"} {
		checkRejectFrame(t, "late "+path, b.mustDo(ctx, client, "GET", path, ""))
	}
	if a := b.mustDo(ctx, client, "GET", "/readyz", ""); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "ending") {
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
	b.mustAudit()
	t.Logf("the end took %s", took)
}

// Somebody puts back an older copy of the log beside a store that knows more, more than the outbox can tell again. The node
// decides nothing and shows nothing, says why, and goes on as soon as the right log is there again.
func TestNode_HaltsOnOlderLog(t *testing.T) {
	t.Parallel()
	ctx, client := timeoutContext(t, 60*time.Second), newHTTPClient(t, 0)
	b := newTestNode(t, "--demo")
	log, older, newer := filepath.Join(b.data, "jetstream"), filepath.Join(t.TempDir(), "older"), filepath.Join(t.TempDir(), "newer")
	l := b.startDemo()
	b.issueCoupons(ctx, client, "u1", "u2")
	l.terminate(t)
	if err := os.CopyFS(older, os.DirFS(log)); err != nil {
		t.Fatal(err)
	}
	l = b.start()
	sleep(ctx, 300*time.Millisecond) // what is confirmed at the same time leaves the outbox together
	b.issueCoupons(ctx, client, "u3", "u4")
	sleep(ctx, 2200*time.Millisecond) // as long as the outbox keeps what the log has
	b.issueCoupons(ctx, client, "u5")
	head := b.mustDo(ctx, client, "GET", "/api/v1/promotions/demo", "").header.Get("Last-Event-ID")
	l.terminate(t)
	if err := os.Rename(log, newer); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(log, os.DirFS(older)); err != nil {
		t.Fatal(err)
	}

	l = b.start()
	b.checkHalted(ctx, client, head, "backwards")
	l.terminate(t)
	if err := os.RemoveAll(log); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(newer, log); err != nil {
		t.Fatal(err)
	}
	l = b.start()
	if a := b.mustDo(ctx, client, "GET", "/readyz", ""); a.status != http.StatusOK {
		t.Errorf("with the right log: %v, want ready", a)
	}
	b.issueCoupons(ctx, client, "u6")
	l.terminate(t)
	b.mustAudit()
}

// A read store that belongs to another log is no witness: the node is halted too, though it has no store to open at all.
func TestNode_HaltsOnForeignStore(t *testing.T) {
	t.Parallel()
	ctx, client := timeoutContext(t, 60*time.Second), newHTTPClient(t, 0)
	b, other := newTestNode(t, "--demo"), newTestNode(t, "--demo")
	for _, each := range []*testNode{b, other} {
		l := each.startDemo()
		each.issueCoupons(ctx, client, "u1")
		l.terminate(t)
	}
	if err := os.Rename(filepath.Join(other.data, "store.db"), filepath.Join(b.data, "store.db")); err != nil {
		t.Fatal(err)
	}
	l := b.start()
	b.checkHalted(ctx, client, "abcdefgh-1", "the read store belongs to another log")
	l.terminate(t)
	if _, stderr, code := b.runTool("audit", "--data", b.data); code != 1 || !strings.Contains(stderr, "belongs to another log") {
		t.Errorf("audit: exit code %d, %s; want 1, and why", code, stderr)
	}
}

// checkHalted wants everything that a halted node says, to everybody.
func (b *testNode) checkHalted(ctx context.Context, client *http.Client, head, reason string) {
	b.tb.Helper()
	if a := b.mustDo(ctx, client, "GET", "/healthz", ""); a.status != http.StatusOK {
		b.tb.Errorf("healthz: got %v, want 200", a)
	}
	if a := b.mustDo(ctx, client, "GET", "/readyz", ""); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "halted: ") || !strings.Contains(a.body, reason) {
		b.tb.Errorf("readyz: got %v, want 503 and why: %s", a, reason)
	}
	for _, path := range []string{
		"/api/v1/promotions", "/api/v1/promotions/demo", "/api/v1/promotions/nowhere", "/api/v1/schedules", "/api/v1/schedules/demo/seats",
		"/api/schedules/demo/seats", "/api/v1/schedules/demo/seats/summary", "/api/v1/schedules/demo/seats/my-holds", "/api/v1/me/coupons",
		"/api/v1/me/holds", "/api/v1/me/reservations", "/api/v1/requests/" + strings.Repeat("A", 22), "/api/v1/promotions?after=" + head,
	} {
		a := b.mustDo(ctx, client, "GET", path, "", "X-User-Id", "u1")
		if a.status != http.StatusServiceUnavailable || a.code() != "halted" || a.header.Get("Retry-After") == "" {
			b.tb.Errorf("GET %s: got %v, want 503 halted with Retry-After", path, a)
		}
	}
	for path, body := range map[string]string{
		"/api/v1/promotions/demo/coupons":         "",
		"/api/v1/schedules/demo/seats/hold":       `{"scheduleSeatIds":[1]}`,
		"/api/v1/schedules/demo/seats/release":    `{"holdId":"h1000"}`,
		"/api/v1/admin/promotions":                `{"name":"n","stock":1}`,
		"/api/v1/schedules/nowhere/seats/reserve": `{"holdId":"h1000"}`,
	} {
		a := b.mustDo(ctx, client, "POST", path, body, "X-User-Id", "u1", "Idempotency-Key", "k")
		if a.status != http.StatusServiceUnavailable || a.code() != "halted" || a.header.Get("Retry-After") == "" ||
			a.header.Get("Idempotency-Key") != "k" || !strings.Contains(a.body, `"requestId"`) {
			b.tb.Errorf("POST %s: got %v, want 503 halted with Retry-After, the key and its request", path, a)
		}
	}
	for _, path := range []string{"/subscribe/u1", "/api/v1/schedules/demo/seats/events", "/api/v1/schedules/nowhere/seats/events", "/api/schedules/demo/seats/events"} {
		checkRejectFrame(b.tb, path, b.mustDo(ctx, client, "GET", path, ""))
		checkRejectFrame(b.tb, path+" again", b.mustDo(ctx, client, "GET", path, "", "Last-Event-ID", head))
	}
}

// A log that is full refuses people, keeps room for the shop itself, drops nothing, and goes on when it has grown.
func TestCapacity_RefusesOnFullLog(t *testing.T) {
	t.Parallel()
	ctx, client := timeoutContext(t, 90*time.Second), newHTTPClient(t, 0)
	b := newTestNode(t, "--demo", "--log-commands-max-bytes", "8MiB")
	l := b.startDemo()
	var large strings.Builder // refused by a rule for naming too many seats, but a command all the same
	large.WriteString(`{"scheduleSeatIds":[10000`)
	for id := 10_001; large.Len() < 63<<10; id++ {
		fmt.Fprintf(&large, ",%d", id)
	}
	large.WriteString("]}")
	sent := 0
	send := func() apiResponse {
		sent++
		return b.mustDo(ctx, client, "POST", "/api/v1/schedules/demo/seats/hold", large.String(),
			"X-User-Id", "u1", "Idempotency-Key", fmt.Sprint(sent), "Prefer", "respond-async")
	}
	for range 95 {
		if a := send(); a.status != http.StatusAccepted {
			t.Fatalf("after %d: %v", sent, a)
		}
	}
	var refused apiResponse
	for refused.status == 0 {
		if a := send(); a.status != http.StatusAccepted {
			refused = a
		}
		if sent > 140 {
			t.Fatalf("%d commands of 63 KiB are in a log of 8 MiB", sent)
		}
		sleep(ctx, 100*time.Millisecond)
	}
	checkLogFull := func(a apiResponse) {
		t.Helper()
		if a.status != http.StatusServiceUnavailable || a.code() != "log_full" || a.header.Get("Retry-After") == "" {
			t.Errorf("got %d %s, want 503 log_full with Retry-After", a.status, a.body)
		}
	}
	checkLogFull(refused)
	if a := b.mustDo(ctx, client, "POST", "/api/v1/admin/promotions", `{"promotionId":"more","name":"more","stock":5}`, "Idempotency-Key", "k"); a.status != http.StatusCreated {
		t.Errorf("the shop itself got %v, want the room that is kept for it", a)
	}
	if a := b.mustDo(ctx, client, "GET", "/api/v1/promotions/more", ""); a.status != http.StatusOK {
		t.Errorf("reading: %v", a)
	}
	l.terminate(t)

	b.args = []string{"--log-commands-max-bytes", "16MiB"}
	l = b.start()
	b.issueCoupons(ctx, client, "u1", "u2")
	replay := b.mustDo(ctx, client, "POST", "/api/v1/schedules/demo/seats/hold", large.String(), "X-User-Id", "u1", "Idempotency-Key", "1")
	if replay.status != http.StatusConflict || replay.code() != "too_many_seats" || replay.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the first one again: got %d %s, want its refusal", replay.status, replay.body)
	}
	last := b.mustDo(ctx, client, "POST", "/api/v1/schedules/demo/seats/hold", large.String(), "X-User-Id", "u1", "Idempotency-Key", fmt.Sprint(sent), "Prefer", "wait=10")
	if last.status != http.StatusConflict || last.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the refused one again: got %d %s, want it decided now, for the first time", last.status, last.body)
	}
	l.terminate(t)
	b.mustAudit()
}

// A disk that is almost full is the same, before anything can be lost.
func TestCapacity_RefusesOnFullDisk(t *testing.T) {
	t.Parallel()
	ctx, client := timeoutContext(t, 60*time.Second), newHTTPClient(t, 0)
	b := newTestNode(t, "--demo", "--log-min-free-disk", "1000000GiB")
	l := b.startDemo()
	b.checkFull(ctx, client)
	l.terminate(t)
	b.args = nil
	l = b.start()
	b.issueCoupons(ctx, client, "u1")
	l.terminate(t)
	if !longTests() { // what follows wants half a GiB of disk, and nobody else who fills it
		return
	}

	var disk unix.Statfs_t
	if err := unix.Statfs(b.data, &disk); err != nil {
		t.Fatal(err)
	}
	free := disk.Bavail * uint64(disk.Bsize)
	b.args = []string{"--log-min-free-disk", fmt.Sprint((free-256<<20)>>20) + "MiB"}
	l = b.start()
	b.issueCoupons(ctx, client, "u2")
	ballast := filepath.Join(b.data, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Fallocate(int(f.Fd()), 0, 0, 1<<29); err != nil {
		t.Skip("no ballast can be laid here:", err)
	}
	f.Close()
	b.checkFull(ctx, client)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	c := httpd.Client{URL: b.url(), User: "u3", HTTP: client}
	for {
		a, err := c.Issue(ctx, "demo", httpd.CommandOptions{Key: "k", Wait: new(5 * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		if a.HTTPStatus == http.StatusCreated {
			break
		}
		sleep(ctx, 50*time.Millisecond)
	}
	l.terminate(t)
	b.mustAudit()
}

// checkFull waits until the node has looked, and wants it to refuse.
func (b *testNode) checkFull(ctx context.Context, client *http.Client) {
	b.tb.Helper()
	for i := 0; ; i++ {
		a := b.mustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", fmt.Sprint("early", i))
		if a.status == http.StatusAccepted && sleep(ctx, 50*time.Millisecond) {
			continue
		}
		if a.status != http.StatusServiceUnavailable || a.code() != "log_full" || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "requestId") {
			b.tb.Errorf("got %v, want 503 log_full with Retry-After", a)
		}
		return
	}
}

// A byte of a log has rotted on the disk. nats-server never delivers that message and calls the log healthy; the tools say
// so and end, and a node does not call itself ready.
func TestDamagedLog_IsReported(t *testing.T) {
	t.Parallel()
	ctx, client := timeoutContext(t, 90*time.Second), newHTTPClient(t, 0)
	b := newTestNode(t, "--demo")
	l := b.startDemo()
	b.issueCoupons(ctx, client, "u1")
	l.terminate(t)
	block := filepath.Join(b.data, "jetstream", "$G", "streams", "EVENTS", "msgs", "1.blk")
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
		stdout, stderr, code := b.runToolWithin(15*time.Second, tool, "--data", b.data)
		if code != 1 {
			t.Errorf("onsale %s: exit code %d, want 1 and which event cannot be read\n%.2000s%s", tool, code, stdout, stderr)
		}
	}
	l = b.start()
	for limit := time.Now().Add(20 * time.Second); ; {
		a := b.mustDo(ctx, client, "GET", "/readyz", "")
		if a.status == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(limit) {
			t.Errorf("event 3 cannot be read, and the node is %v", a)
			break
		}
		sleep(ctx, 100*time.Millisecond)
	}
	l.terminate(t)
}
