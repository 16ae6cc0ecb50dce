package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// CommandResult is what tests read of a command's response.
type CommandResult struct {
	EventID string
	Result  struct{ HoldID string }
}

// SendCommand sends a command and waits up to 10 s for its outcome. The status is 0 when there is no response.
func SendCommand(ctx context.Context, base, user, path, body string) (int, CommandResult) {
	var a CommandResult
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewBufferString(body))
	if err != nil {
		return 0, a
	}
	r.Header.Set("X-User-Id", user)
	r.Header.Set("Prefer", "wait=10")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, a
	}
	defer response.Body.Close()
	if json.NewDecoder(response.Body).Decode(&a) != nil {
		return 0, a
	}
	return response.StatusCode, a
}

// MustCommand requires the command to succeed.
func MustCommand(tb testing.TB, base, user, path, body string) CommandResult {
	tb.Helper()
	status, a := SendCommand(TimeoutContext(tb, 15*time.Second), base, user, path, body)
	if status != http.StatusOK && status != http.StatusCreated {
		tb.Fatalf("%s %s by %s: got %d", path, body, user, status)
	}
	return a
}

// Response is a whole response.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

func (a Response) String() string {
	return fmt.Sprintf("%d %v %.400s", a.Status, a.Header, a.Body)
}

// Code is the code of a problem; "" for other responses.
func (a Response) Code() string {
	var p struct{ Code string }
	_ = json.Unmarshal([]byte(a.Body), &p) // "" then
	return p.Code
}

// Do sends one request to the node; header holds names and values by turns.
func (n *Node) Do(ctx context.Context, client *http.Client, method, path, body string, header ...string) (Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, n.URL()+path, strings.NewReader(body))
	if err != nil {
		return Response{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		return Response{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return Response{response.StatusCode, response.Header, string(text)}, err
}

// MustDo is Do for requests that must get a response.
func (n *Node) MustDo(ctx context.Context, client *http.Client, method, path, body string, header ...string) Response {
	n.tb.Helper()
	a, err := n.Do(ctx, client, method, path, body, header...)
	if err != nil {
		n.tb.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// Head is the id of the node's latest event.
func (n *Node) Head(ctx context.Context, client *http.Client) string {
	n.tb.Helper()
	return n.MustDo(ctx, client, "GET", "/api/v1/promotions", "").Header.Get("Last-Event-ID")
}

// MustCreate has an admin create a sale.
func (n *Node) MustCreate(ctx context.Context, client *http.Client, path string, body any) {
	n.tb.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		n.tb.Fatal(err)
	}
	if a := n.MustDo(ctx, client, "POST", path, string(text), "X-User-Id", "admin", "Prefer", "wait=10"); a.Status != http.StatusCreated {
		n.tb.Fatalf("%s: got %v", path, a)
	}
}

// IssueCoupons requires that each user gets a coupon of the demo, under the key "k".
func (n *Node) IssueCoupons(ctx context.Context, client *http.Client, users ...string) {
	n.tb.Helper()
	for _, user := range users {
		a := n.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", user, "Prefer", "wait=10", "Idempotency-Key", "k")
		if a.Status != http.StatusCreated {
			n.tb.Fatalf("%s got %v, want a coupon", user, a)
		}
	}
}

// CheckRejectFrame requires a stream that consists of the line of a retry delay and nothing else. It returns the delay.
func CheckRejectFrame(tb testing.TB, what string, a Response) time.Duration {
	tb.Helper()
	delay, ok := strings.CutPrefix(strings.TrimSuffix(a.Body, "\n"), "retry: ")
	ms, err := strconv.Atoi(delay)
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "text/event-stream" || !ok || err != nil || ms < 2000 {
		tb.Errorf("%s: got %d %q, want a stream with a retry delay, no id, and its end", what, a.Status, a.Body)
	}
	return time.Duration(ms) * time.Millisecond
}
