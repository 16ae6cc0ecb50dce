// Commands to a node, without a browser.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

type verdict struct {
	EventID string
	Result  struct{ HoldID string }
}

// send commands, and waits for the outcome.
func send(ctx context.Context, base, user, path, body string) (int, verdict) {
	var a verdict
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

// command wants its wish to be granted.
func command(tb testing.TB, base, user, path, body string) verdict {
	tb.Helper()
	status, a := send(within(tb, 15*time.Second), base, user, path, body)
	if status != http.StatusOK && status != http.StatusCreated {
		tb.Fatalf("%s %s by %s: got %d", path, body, user, status)
	}
	return a
}
