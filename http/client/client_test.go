package client_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/cmd/onsale/node"
	"onsale/config"
	"onsale/http/client"
)

// demo is the URL of a real node with the demo's sale, for the examples.
var demo string

func TestMain(m *testing.M) {
	code, err := runWithDemo(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// runWithDemo runs a node in this process meanwhile.
func runWithDemo(run func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "onsale-client")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1, err
	}
	cfg := config.Default()
	cfg.Data, cfg.Listen, cfg.Demo, cfg.Streams.DrainWindow = filepath.Join(dir, "data"), l.Addr().String(), true, 0
	ctx, cancel := context.WithCancel(context.Background())
	n, err := node.Open(ctx, cfg, cfg.Listen, slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx, l) }()
	demo = "http://" + cfg.Listen
	code = run()
	cancel()
	return code, errors.Join(<-ended, n.Close())
}

// recorded is a request that a scripted server got.
type recorded struct{ key, token, lastID, query string }

// scripted serves the n-th request by the n-th function, and later ones by the last.
func scripted(t *testing.T, script ...http.HandlerFunc) (url string, requests func() []recorded) {
	t.Helper()
	var mu sync.Mutex
	var got []recorded
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		next := script[min(len(got), len(script)-1)]
		got = append(got, recorded{r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization"), r.Header.Get("Last-Event-ID"), r.URL.RawQuery})
		mu.Unlock()
		next(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []recorded {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(got)
	}
}

func respond(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// breakOff closes the connection after it has sent text.
func breakOff(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if text != "" {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, text)
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

const created = `{"requestId":"r","status":"SUCCEEDED","sequence":4000,"eventId":"e-4","result":{"couponId":"demo-1"}}`

// A command that gets no response, or one that says to try again, is sent again with the same key and a new token.
func TestClient_RetriesWithSameKey(t *testing.T) {
	url, requests := scripted(t, breakOff(""), respond(502, "<html>bad gateway</html>"), respond(503, `{"status":503,"code":"outcome_unknown"}`),
		respond(201, created, "Idempotent-Replayed", "true"))
	tokens := 0
	c := client.Client{URL: url, Token: func(context.Context) (string, error) { tokens++; return fmt.Sprint("t", tokens), nil }}
	r, err := c.Issue(t.Context(), "demo", client.Options{})
	if err != nil || r.Status != "SUCCEEDED" || !r.Replayed || r.Key == "" || r.Err() != nil {
		t.Fatalf("got %+v, %v", r, err)
	}
	got := requests()
	if len(got) != 4 {
		t.Fatalf("%d requests", len(got))
	}
	for i, request := range got {
		if request.key != r.Key || request.token != fmt.Sprint("Bearer t", i+1) {
			t.Errorf("request %d has key %q and %q", i, request.key, request.token)
		}
	}
}

func TestClient_WaitsAsAsked(t *testing.T) {
	url, requests := scripted(t, respond(429, `{"status":429,"code":"rate_limited"}`, "Retry-After", "1"), respond(201, created))
	began := time.Now()
	if r, err := (&client.Client{URL: url}).Issue(t.Context(), "demo", client.Options{}); err != nil || r.HTTPStatus != 201 {
		t.Fatalf("got %+v, %v", r, err)
	}
	if took := time.Since(began); took < time.Second || len(requests()) != 2 {
		t.Errorf("%d requests in %v", len(requests()), took)
	}
}

func TestClient_ReturnsLastResponse(t *testing.T) {
	url, requests := scripted(t, respond(503, `{"status":503,"code":"halted","detail":"the log is damaged"}`))
	c := client.Client{URL: url, Attempts: 2}
	r, err := c.Issue(t.Context(), "demo", client.Options{})
	var problem *client.Problem
	if err != nil || !errors.As(r.Err(), &problem) || problem.Error() != "503 halted: the log is damaged" || len(requests()) != 2 {
		t.Errorf("got %+v, %v after %d requests", r, err, len(requests()))
	}
	if err := c.Get(t.Context(), "/api/v1/promotions/demo", &struct{}{}); !errors.As(err, &problem) || problem.Code != "halted" {
		t.Errorf("got %v", err)
	}
}

// While nothing answers, a command is sent until its context ends; then it is unknown whether it was accepted.
func TestClient_EndsWithContext(t *testing.T) {
	url, _ := scripted(t, breakOff(""))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := (&client.Client{URL: url}).Issue(ctx, "demo", client.Options{}); err == nil {
		t.Error("no error")
	}
}

// A server, or what answers in its place, gets no token that is not its own, and cannot make a client spin, sleep for ever or fill
// its memory.
func TestClient_SurvivesHostileServers(t *testing.T) {
	other, stolen := scripted(t, respond(201, created))
	redirects, _ := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other+"/x", http.StatusTemporaryRedirect)
	})
	token := func(context.Context) (string, error) { return "secret", nil }
	r, err := (&client.Client{URL: redirects, Token: token, Attempts: 1}).Issue(t.Context(), "demo", client.Options{})
	if err != nil || r.HTTPStatus != http.StatusTemporaryRedirect || r.Err() == nil || len(stolen()) != 0 {
		t.Errorf("a redirect: got %+v, %v; the other server got %+v", r, err, stolen())
	}
	for _, err := range (&client.Client{URL: redirects, Token: token}).Events(t.Context(), "/s", "") {
		if err == nil || len(stolen()) != 0 {
			t.Errorf("a stream is redirected: got %v; the other server got %+v", err, stolen())
		}
	}

	page, _ := scripted(t, respond(200, "<html>log in</html>"))
	if r, err := (&client.Client{URL: page}).Issue(t.Context(), "demo", client.Options{}); err == nil {
		t.Errorf("a page: got %+v", r)
	}
	for _, after := range []string{"9223372037", "99999999999999999999", "-1", "x"} {
		url, _ := scripted(t, respond(503, `{"status":503,"code":"halted"}`, "Retry-After", after))
		r, err := (&client.Client{URL: url, Attempts: 1}).Issue(t.Context(), "demo", client.Options{})
		if err != nil || r.RetryAfter < 0 || r.RetryAfter > 5*time.Minute {
			t.Errorf("Retry-After %s: got %v, %v", after, r.RetryAfter, err)
		}
	}
	url, requests := scripted(t, respond(200, `{"requestId":"r","status":"PENDING","sequence":4000}`))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := (&client.Client{URL: url}).Await(ctx, client.Response{Status: "ACCEPTED", RequestID: "r"}); err == nil || len(requests()) > 20 {
		t.Errorf("polls that do not wait: %v after %d requests", err, len(requests()))
	}
	bomb, _ := scripted(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for range 100 {
			_, _ = z.Write(make([]byte, 1<<20))
		}
		_ = z.Close()
	})
	if r, err := (&client.Client{URL: bomb, Attempts: 1}).Issue(t.Context(), "demo", client.Options{}); err == nil {
		t.Errorf("a bomb: got %d bytes", len(r.Body))
	}
}

func TestClient_AwaitsOutcome(t *testing.T) {
	pending := `{"requestId":"r","status":"PENDING","sequence":4000}`
	url, requests := scripted(t, respond(202, `{"requestId":"r","status":"ACCEPTED","sequence":4000,"lastEventId":"e-3"}`), respond(200, pending),
		respond(200, `{"requestId":"r","status":"REJECTED","sequence":4000,"eventId":"e-4","code":"sold_out"}`))
	c := client.Client{URL: url}
	accepted, err := c.Issue(t.Context(), "demo", client.Options{Key: "k"})
	if err != nil || accepted.Err() != nil {
		t.Fatal(accepted, err)
	}
	outcome, err := c.Await(t.Context(), accepted)
	var problem *client.Problem
	if err != nil || !errors.As(outcome.Err(), &problem) || problem.Code != "sold_out" || outcome.Key != "k" {
		t.Errorf("got %+v, %v", outcome, err)
	}
	if got := requests(); len(got) != 3 || got[2].query != "wait=25s&sequence=4000" {
		t.Errorf("requests %+v", got)
	}
}

// frames are a stream as a node sends it: with a connect frame, two events, a heartbeat, and the line that closes it.
const frames = "event: connect\r\nretry: 1\r\ndata: {\"status\":\"complete\"}\r\nid: e-1\r\n\r\n" +
	"event: alarm\ndata: {\"n\":2}\nid: e-2\n\n" +
	"event: heartbeat\ndata:\nid: e-2\n\n" +
	": a comment\n\nevent: alarm\ndata: a\ndata: b\nid: e-3\n\n"

// A stream that breaks off after any of its bytes loses no event and repeats none: the id counts once its frame is complete.
func TestEvents_ResumeAfterEveryByte(t *testing.T) {
	// What a reader has after each blank line (a CR alone ends a line), and what the node sends after it.
	positions := []struct{ end, id, rest string }{
		{"", "e-0", frames},
		{"id: e-1\r\n\r", "e-1", frames[strings.Index(frames, "event: alarm"):]},
		{"id: e-2\n\n", "e-2", frames[strings.Index(frames, ": a comment"):]},
		{"id: e-3\n\n", "e-3", ""},
	}
	for cut := range len(frames) {
		at := positions[0]
		for _, p := range positions {
			if strings.Contains(frames[:cut], p.end) {
				at = p
			}
		}
		t.Run(fmt.Sprint(cut), func(t *testing.T) { t.Parallel(); checkResumes(t, cut, at.id, at.rest) })
	}
}

func checkResumes(t *testing.T, cut int, position, rest string) {
	url, requests := scripted(t, breakOff("retry: 1\n"+frames[:cut]), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, rest)
	}, respond(204, ""))
	var alarms []string
	for event, err := range (&client.Client{URL: url}).Events(t.Context(), "/api/v1/me/events?lang=en&lastEventId=e-9", "e-0") {
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if event.Name == "alarm" {
			alarms = append(alarms, event.ID+" "+string(event.Data))
		}
	}
	if want := []string{`e-2 {"n":2}`, "e-3 a\nb"}; !slices.Equal(alarms, want) {
		t.Errorf("cut at %d: got %q", cut, alarms)
	}
	got := requests()
	if got[0].lastID != "e-0" || got[0].query != "lang=en" || got[1].lastID != position {
		t.Errorf("cut at %d: requests %+v, want to resume at %s", cut, got, position)
	}
}

// A node that sends nothing for longer than Silence is given up, and the stream is asked for again.
func TestEvents_ReconnectAfterSilence(t *testing.T) {
	url, _ := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}, respond(204, ""))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second) // less than the default silence
	defer cancel()
	for _, err := range (&client.Client{URL: url, Silence: 100 * time.Millisecond}).Events(ctx, "/api/v1/me/events", "e-0") {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What cannot succeed ends a stream: an error that another attempt does not mend, a page of a proxy, a frame without end.
func TestEvents_End(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("x", 64<<10)); err != nil {
				return
			}
		}
	}
	manifold := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, "data: "+strings.Repeat("x", 64<<10)+"\n"); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"forbidden": {respond(403, `{"status":403,"code":"forbidden","detail":"it is not yours"}`), "403 forbidden: it is not yours"},
		"a page":    {respond(200, "<html>", "Content-Type", "text/html"), "/s is no event stream but text/html"},
		"endless":   {endless, "bufio.Scanner: token too long"},
		"manifold":  {manifold, "/s: a frame is larger than 1048576 bytes"},
		"finished":  {respond(204, ""), ""},
	} {
		url, _ := scripted(t, c.handler)
		got := ""
		for _, err := range (&client.Client{URL: url}).Events(t.Context(), "/s", "") {
			if err != nil {
				got = err.Error()
			}
		}
		if got != c.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// A stream that ends with its token is opened again with a new one, without the wait that the server asks of others.
func TestEvents_RenewToken(t *testing.T) {
	expired := breakOff("event: connect\nretry: 1\ndata: {}\nid: e-1\n\nevent: auth-expired\ndata: {\"code\":\"unauthenticated\"}\n\nretry: 3600000\n")
	url, requests := scripted(t, expired, expired, respond(204, ""))
	tokens := 0
	c := client.Client{URL: url, Token: func(context.Context) (string, error) { tokens++; return fmt.Sprint("t", tokens), nil }}
	for _, err := range c.Events(t.Context(), "/api/v1/me/events", "") {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := requests(); len(got) != 3 || got[2].token != "Bearer t3" || got[2].lastID != "e-1" {
		t.Errorf("requests %+v", got)
	}
}
