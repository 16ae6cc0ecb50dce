package e2e

import (
	"bufio"
	"net/http"
	"strings"
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
