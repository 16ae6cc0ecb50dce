package http

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// lineBuffer is a log that is read while it is written.
type lineBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lineBuffer) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(strings.Lines(b.String()))
}

func TestAccessLog_SaysWhatAndNotWho(t *testing.T) {
	f, log := newFixture(t), &lineBuffer{}
	f.Logger, f.AccessLog = slog.New(slog.NewJSONHandler(log, nil)), true
	for _, test := range []struct {
		method, path, body string
		status             int
		route              string
	}{
		{"GET", "/healthz?userId=kim-s3cret", "", 200, "/healthz"},
		{"GET", "/api/v1/promotions/kim-s3cret", "", 404, "/api/v1/promotions/:promotionId"},
		{"HEAD", "/api/v1/promotions", "", 200, "/api/v1/promotions"},
		{"POST", "/api/v1/schedules/s/seats/hold", `{"scheduleSeatIds":"kim-s3cret"}`, 400, "/api/v1/schedules/:scheduleId/seats/hold"},
		{"GET", "/subscribe/kim-s3cret", "", 200, "/subscribe/:userId"},
		{"GET", "/kim-s3cret", "", 404, "none"},
		{"BREW", "/healthz", "", 405, "none"},
	} {
		before := len(log.lines())
		r, _ := http.NewRequest(test.method, f.url+test.path, strings.NewReader(test.body))
		r.Header.Set("X-User-Id", "kim-s3cret")
		r.Header.Set("X-Request-Id", "r-1")
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var size bytes.Buffer
		_, _ = size.ReadFrom(response.Body)
		response.Body.Close()
		for deadline := time.Now().Add(10 * time.Second); len(log.lines()) == before && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond) // the line comes after the response
		}
		lines := log.lines()
		line := lines[len(lines)-1]
		var got struct {
			Msg, ID, Method, Route string
			Status, Bytes          int
			Duration               float64 `json:"duration_ms"`
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err, line)
		}
		wantMethod := test.method
		if wantMethod == "BREW" {
			wantMethod = "other"
		}
		if got.Msg != "response" || got.ID != "r-1" || got.Method != wantMethod || got.Route != test.route || got.Status != test.status ||
			got.Bytes != size.Len() || got.Duration <= 0 || response.StatusCode != test.status {
			t.Errorf("%s %s: got %s (status %d, %d bytes)", test.method, test.path, line, response.StatusCode, size.Len())
		}
		if strings.Contains(line, "s3cret") || strings.Contains(line, "127.0.0.1") {
			t.Errorf("%s %s: the line says who asked or for what: %s", test.method, test.path, line)
		}
	}
	if got := len(log.lines()); got != 7 {
		t.Errorf("got %d lines, want one for each request: %q", got, log.lines())
	}
}

// A body that is too large ends its connection also when the response is logged.
func TestAccessLog_KeepsLimitOfBodies(t *testing.T) {
	f := newFixture(t)
	f.AccessLog = true
	body := struct{ *strings.Reader }{strings.NewReader(strings.Repeat("x", maxBody+1))} // without a length
	r, _ := http.NewRequest("POST", f.url+"/api/v1/schedules/s/seats/hold", body)
	r.Header.Set("X-User-Id", "kim")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
		t.Errorf("got %s, close %v; want 413 and the end of the connection", response.Status, response.Close)
	}
}
