package e2e

import (
	"bufio"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// The debug port serves this machine alone; the node's own port has nothing of it.
func TestDebugPort_ServesLoopback(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	port := harness.FreeAddress(t)
	at := harness.NewNode(t, "--demo", "--streams-drain-window", "0s", "--debug-listen", port)
	debug := &harness.Node{Addr: port}
	process := at.StartDemo()
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/loglevel", "", 200, "INFO"},
		{"PUT", "/loglevel", "loud", 400, "is no level"},
		{"PUT", "/loglevel", strings.Repeat("x", 1<<20), 400, "is no level"},
		{"PUT", "/loglevel", "debug", 200, "DEBUG"},
		{"GET", "/loglevel", "", 200, "DEBUG"},
		{"POST", "/loglevel", "", 405, ""},
		{"GET", "/metrics", "", 200, "onsale_ready 1"},
		{"GET", "/debug/pprof/goroutine?debug=1", "", 200, "goroutine profile"},
		{"GET", "/debug/pprof/", "", 200, "heap"},
		{"GET", "/api/v1/promotions", "", 404, ""},
	} {
		a, err := debug.Do(ctx, client, test.method, test.path, test.body)
		if err != nil || a.Status != test.status || !strings.Contains(a.Body, test.want) {
			t.Errorf("%s %s: got %v %v, want %d %s", test.method, test.path, a, err, test.status, test.want)
		}
	}
	for host, want := range map[string]int{"attacker.example": 403, "localhost.attacker.example": 403, "10.0.0.1:80": 403, "[::1]:80": 200, "localhost": 200} {
		r, _ := http.NewRequestWithContext(ctx, "GET", "http://"+port+"/loglevel", nil)
		r.Host = host
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("host %s: got %s, want %d", host, response.Status, want)
		}
	}
	for _, path := range []string{"/loglevel", "/debug/pprof/", "/debug/pprof/heap"} {
		if a := at.MustDo(ctx, client, "GET", path, ""); a.Status != http.StatusNotFound {
			t.Errorf("%s at the node's own port: got %v, want 404", path, a)
		}
	}
	second, err := harness.NewNode(t, "--debug-listen", port).Launch()
	if err != nil {
		t.Fatal(err)
	}
	if code := second.ExitCode(t); code != 1 {
		t.Errorf("a taken debug port: exit code %d, want 1", code)
	}
	process.Terminate(t)
	if log := process.Stderr(); !strings.Contains(log, "log level changed") || !strings.Contains(log, "level=DEBUG") {
		t.Errorf("the log has no sign of the changed level:\n%s", log)
	}
}

// The line of a stream comes at its end, with what it sent, also when its connection was hijacked.
func TestAccessLog_HasStreams(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	at := harness.NewNode(t, "--demo", "--streams-drain-window", "0s", "--logging-access", "--streams-max-per-user", "1")
	process := at.StartDemo()
	r, _ := http.NewRequestWithContext(ctx, "GET", at.URL()+"/subscribe/kim-s3cret", nil)
	r.Header.Set("X-Request-Id", "first")
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	harness.CheckRejectFrame(t, "a stream too many", at.MustDo(ctx, client, "GET", "/subscribe/kim-s3cret", "", "X-Request-Id", "second"))
	process.Terminate(t)
	log := process.Stderr()
	for _, want := range []string{
		`msg=response id=first method=GET route=/subscribe/:userId status=200 bytes=\d{3,} duration_ms=\d+`,
		`msg=response id=second method=GET route=/subscribe/:userId status=200 bytes=\d{2} duration_ms=\d+`,
	} {
		if n := len(regexp.MustCompile(want).FindAllString(log, -1)); n != 1 {
			t.Errorf("the log has %d lines %s", n, want)
		}
	}
	if strings.Contains(log, "s3cret") || t.Failed() {
		t.Errorf("the log:\n%s", log)
	}
}
