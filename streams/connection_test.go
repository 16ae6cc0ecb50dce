package streams_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"onsale/domain"
	"onsale/domain/seats"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// countingHandler counts log lines by their message.
type countingHandler struct {
	slog.Handler
	mu     *sync.Mutex
	counts map[string]int
}

func (h countingHandler) Handle(ctx context.Context, r slog.Record) error {
	h.mu.Lock()
	h.counts[r.Message]++
	h.mu.Unlock()
	return h.Handler.Handle(ctx, r)
}

func (h countingHandler) count(message string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[message]
}

func newCountingHandler(tb testing.TB) countingHandler {
	return countingHandler{slog.NewTextHandler(tb.Output(), nil), &sync.Mutex{}, map[string]int{}}
}

// waitProblem waits until the log has a problem with these words; "": none.
func waitProblem(t *testing.T, l *streams.Log, words string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		problems := strings.Join(l.Problems(), "; ")
		if words == "" && problems == "" || words != "" && strings.Contains(problems, words) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the problems are %q, want %q", problems, words)
		}
	}
}

// A refused login is retried for as long as it takes, and said once.
func TestConnection_SurvivesRefusedLogin(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	login := func(password string) {
		servers.Stop(0)
		servers.Configure(0, func(o *server.Options) { o.Username, o.Password = "onsale", password })
		servers.Restart(0)
	}
	login("right")
	lines := newCountingHandler(t)
	c := clusterConfig(t, servers, "a")
	c.Replicas, c.Logger, c.URLs = 1, slog.New(lines), []string{strings.Replace(servers.URLs[0], "nats://", "nats://onsale:right@", 1)}
	l := streamtest.Open(t, c)
	reader := consumeCommands(t, l, 1)
	appendCommands(t, l, 2)
	expectMessages(t, reader, 1, 2)
	for range 2 {
		login("other")
		waitProblem(t, l, "nats refuses the login")
		before := lines.count("disconnected from nats")
		time.Sleep(2 * time.Second) // some eight attempts
		if n := lines.count("disconnected from nats") - before; n != 0 {
			t.Errorf("%d more lines for the same problem", n)
		}
		if _, err := l.Append(t.Context(), issueCommand(1)); !errors.Is(err, domain.ErrUnavailable) {
			t.Errorf("append without a login: got %v", err)
		}
		login("right")
		waitProblem(t, l, "")
	}
	appendCommands(t, l, 2)
	expectMessages(t, reader, 3, 4)
	select {
	case err := <-l.Failed():
		t.Error(err)
	default:
	}
}

// Without a server at start the log has one line that says so.
func TestConnection_LogsOnceWithoutServer(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	servers.Stop(0)
	lines := newCountingHandler(t)
	c := clusterConfig(t, servers, "a")
	c.Replicas, c.Logger = 1, slog.New(lines)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := streams.Open(ctx, c); err == nil || !strings.Contains(err.Error(), "no server answers") {
		t.Fatalf("got %v", err)
	}
	if said, again := lines.count("disconnected from nats"), lines.count("streams not available yet, retrying"); said != 1 || again != 0 {
		t.Errorf("%d lines, and %d of what waits for it", said, again)
	}
}

// At start, too, a refused login is retried and named.
func TestConnection_WaitsForLoginAtStart(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	login := func(password string) {
		servers.Stop(0)
		servers.Configure(0, func(o *server.Options) { o.Username, o.Password = "onsale", password })
		servers.Restart(0)
	}
	login("other")
	c := clusterConfig(t, servers, "a")
	c.Replicas, c.URLs = 1, []string{strings.Replace(servers.URLs[0], "nats://", "nats://onsale:right@", 1)}
	short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := streams.Open(short, c); err == nil || !strings.Contains(err.Error(), "refuses the login") {
		t.Errorf("with the wrong password: got %v", err)
	}
	time.AfterFunc(time.Second, func() { login("right") })
	l := streamtest.Open(t, c)
	appendCommands(t, l, 1)
}

// A server whose messages are too small is named, at start and when it comes later, and is used again when it is large enough.
func TestConnection_ComparesLimits(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	payload := func(bytes int32) {
		servers.Stop(0)
		servers.Configure(0, func(o *server.Options) { o.MaxPayload = bytes })
		servers.Restart(0)
	}
	c := clusterConfig(t, servers, "a")
	c.Replicas = 1
	l := streamtest.Open(t, c)
	appendCommands(t, l, 1)
	payload(64 << 10)
	waitProblem(t, l, "max_payload is 65536 bytes, onsale needs 1048576")
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c.Node = "b"
	if _, err := streams.Open(short, c); err == nil || !strings.Contains(err.Error(), "max_payload is 65536 bytes") {
		t.Errorf("at start: got %v", err)
	}
	// What is too large was certainly not stored.
	large := issueCommand(1)
	large.Body = seats.Create{Title: "t", Sections: []seats.Section{{Name: "A", Rows: make([]seats.Row, 5000)}}}
	if _, err := l.Append(t.Context(), large); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("an append of a message that is too large: got %v", err)
	}
	payload(1 << 20)
	waitProblem(t, l, "")
	appendCommands(t, l, 1)
}
