package e2e

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// A stream is warned, ends with its token, tells who comes back without a new one, and goes on without a gap after the renewal.
func TestStream_EndsWithItsToken(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t, "--demo", "--auth-secret", attackSecret, "--auth-leeway", "0s")
	node.StartDemo()
	client := harness.NewHTTPClient(t, 0)
	issue := func(promotion, user string) {
		t.Helper()
		if a := node.MustDo(t.Context(), client, "POST", "/api/v1/promotions/"+promotion+"/coupons", "", "Authorization", "Bearer "+signToken(t, user, time.Hour), "Prefer", "wait=10"); a.Status != 201 && a.Status != 409 {
			t.Fatalf("got %v", a)
		}
	}
	issue("demo", "kim")
	first, dead := readUntilExpiry(t, node, "/subscribe/kim?rewind=60")
	names := first.names()
	if !strings.HasPrefix(names, "connect ") || !strings.HasSuffix(names, " auth-expired") || !strings.Contains(names, "auth-expiring") || !strings.Contains(names, "issue-complete") {
		t.Fatalf("got %s", names)
	}
	if first.retry != "30000" {
		t.Errorf("the stream ended with retry %s", first.retry)
	}
	issue("demo", "kim") // is refused, which kim misses

	for _, token := range []string{dead, "garbage", ""} {
		header := []string{"Last-Event-ID", first.lastID}
		if token != "" {
			header = append(header, "Authorization", "Bearer "+token)
		}
		again := readFrames(t, node, "/subscribe/kim", header...)
		if again.names() != "auth-expired" || again.retry != "30000" || again.lastID != "" {
			t.Errorf("with token %.10q: got %+v", token, again)
		}
		if a := node.MustDo(t.Context(), client, "GET", "/subscribe/kim", "", header[2:]...); a.Status != 401 {
			t.Errorf("without an id: got %v, want 401", a)
		}
	}
	renewed, _ := readUntilExpiry(t, node, "/subscribe/kim", "Last-Event-ID", first.lastID)
	if names := renewed.names(); !strings.HasPrefix(names, "connect ") || strings.Count(names, "issue-") != 1 || !strings.Contains(names, "issue-failed") {
		t.Errorf("after the renewal: got %s", names)
	}
}

// frames are those of a stream that has ended.
type frames struct {
	events        []string
	lastID, retry string
}

func (f frames) names() string { return strings.Join(f.events, " ") }

// readUntilExpiry reads a stream of kim's with a token that ends soon, but not before the stream has begun: on a busy machine the
// first one may.
func readUntilExpiry(t *testing.T, node *harness.Node, path string, header ...string) (f frames, token string) {
	t.Helper()
	for _, ttl := range []time.Duration{3 * time.Second, 30 * time.Second} {
		token = signToken(t, "kim", ttl)
		if f = readFrames(t, node, path, append(header, "Cookie", "onsale_token="+token)...); strings.HasPrefix(f.names(), "connect") {
			break
		}
	}
	return f, token
}

// readFrames reads a stream to its end, without heartbeats. It has none if the response is a 401.
func readFrames(t *testing.T, node *harness.Node, path string, header ...string) (f frames) {
	t.Helper()
	r, err := http.NewRequestWithContext(harness.TimeoutContext(t, 60*time.Second), "GET", node.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := harness.NewHTTPClient(t, 0).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode == 401 {
		return f
	}
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s: got %s", path, response.Status)
	}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			if value != "heartbeat" {
				f.events = append(f.events, value)
			}
		case "id":
			f.lastID = value
		case "retry":
			f.retry = value
		}
	}
	return f
}

// A rotated key set is followed: the new key works, the old one is dead, and a stream that was opened with it ends.
func TestStream_EndsWithItsKey(t *testing.T) {
	t.Parallel()
	var published atomic.Value
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(published.Load().([]byte)) }))
	t.Cleanup(issuer.Close)
	node := harness.NewNode(t, "--demo", "--auth-jwks", issuer.URL)
	newKey := func() (set []byte, token string) {
		dir := filepath.Join(t.TempDir(), "keys")
		if _, stderr, code := node.RunTool("token", "--new-key", dir); code != 0 {
			t.Fatal(stderr)
		}
		set, err := os.ReadFile(filepath.Join(dir, "jwks.json"))
		if err != nil {
			t.Fatal(err)
		}
		token, stderr, code := node.RunTool("token", "--key", filepath.Join(dir, "private.jwk"), "--user", "kim")
		if code != 0 {
			t.Fatal(stderr)
		}
		return set, strings.TrimSpace(token)
	}
	oldSet, oldToken := newKey()
	newSet, newToken := newKey()
	published.Store(oldSet)
	node.StartDemo()
	client := harness.NewHTTPClient(t, 0)
	status := func(token string) int {
		return node.MustDo(t.Context(), client, "GET", "/api/v1/me/coupons", "", "Authorization", "Bearer "+token).Status
	}
	if got := status(oldToken); got != 200 {
		t.Fatalf("the old key got %d", got)
	}
	ended := make(chan frames)
	go func() { ended <- readFrames(t, node, "/subscribe/kim", "Authorization", "Bearer "+oldToken) }()
	for !strings.Contains(node.MustDo(t.Context(), client, "GET", "/metrics", "").Body, "onsale_streams_open{kind=\"user\"} 1\n") {
		harness.Sleep(t.Context(), 10*time.Millisecond)
	}
	published.Store(newSet)
	for ctx := harness.TimeoutContext(t, 40*time.Second); status(newToken) != 200; { // an unknown key is looked up once in ten seconds
		if !harness.Sleep(ctx, 200*time.Millisecond) {
			t.Fatal("the new key is not accepted")
		}
	}
	if got := status(oldToken); got != 401 {
		t.Errorf("the old key got %d, want 401", got)
	}
	stream := <-ended
	if stream.names() != "connect" || stream.lastID == "" {
		t.Fatalf("the stream of the old key: got %+v", stream)
	}
	if again := readFrames(t, node, "/subscribe/kim", "Last-Event-ID", stream.lastID, "Authorization", "Bearer "+oldToken); again.names() != "auth-expired" {
		t.Errorf("it comes back: got %+v", again)
	}
}
