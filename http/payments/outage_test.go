package payments_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/http/payments"
	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// lockedBuffer is what the worker has logged.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newTextLogger(to io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }

// wantLogged finds a line with all these words.
func wantLogged(tb testing.TB, log *lockedBuffer, words ...string) {
	tb.Helper()
	for line := range strings.Lines(log.String()) {
		missing := func(word string) bool { return !strings.Contains(line, word) }
		if !slices.ContainsFunc(words, missing) {
			return
		}
	}
	tb.Errorf("no line has %q:\n%s", words, log)
}

// switchable serves whatever handler is set.
type switchable struct {
	mu      sync.Mutex
	handler http.Handler
}

func (s *switchable) set(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

func (s *switchable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.handler
	s.mu.Unlock()
	h.ServeHTTP(w, r)
}

// Each way of not reaching the provider is logged once, as an error with the provider's answer, and noted until it ends.
func TestWorker_ReportsOutage(t *testing.T) {
	page := http.HandlerFunc(http.NotFound)
	// Another server's 404, in JSON.
	elsewhere := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"type":"NOT_FOUND","message":"no route"}`))
	})
	down := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusBadGateway) })
	for name, row := range map[string]struct {
		broken http.Handler // nil: a fake with other keys
		logged string
		note   string
	}{
		"secret":      {nil, "keys refused", "refuses the keys"},
		"wrong URL":   {page, "404 Not Found", "payments.url is not answered by"},
		"another API": {elsewhere, "404", "payments.url is not answered by"},
		"down":        {down, "502 Bad Gateway", "does not answer"},
	} {
		for _, api := range []string{"v1", "v2"} {
			t.Run(name+" "+api, func(t *testing.T) {
				t.Parallel()
				fake, log, target := fakeportone.New(), new(lockedBuffer), new(switchable)
				broken := row.broken
				if broken == nil {
					other := fakeportone.New()
					other.Secret, other.APISecret = "other", "other"
					broken = other
				}
				target.set(broken)
				config := payments.Config{Provider: newClient(t, api, serve(t, target), fake), Logger: slog.New(slog.NewTextHandler(log, nil))}
				config.SetTimeUnit(time.Millisecond)
				worker := payments.New(config)
				ctx, cancel := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { worker.Watch(ctx) })
				defer running.Wait()
				defer cancel()
				probes := func() float64 {
					return metric(t, worker, "onsale_payments_requests_total", "request=get", "outcome=unknown")
				}
				waitFor(t, "the circuit has opened more than once", func() bool { return probes() > 8 })
				text := log.String()
				if n := strings.Count(text, "level=ERROR"); n != 1 || !strings.Contains(text, row.logged) {
					t.Errorf("%d errors, want one with %q:\n%s", n, row.logged, text)
				}
				if strings.Contains(text, fake.Secret) || strings.Contains(text, fake.APISecret) {
					t.Errorf("a secret is logged:\n%s", text)
				}
				if notes := worker.ReadyNotes(); len(notes) != 1 || !strings.Contains(notes[0], row.note) {
					t.Errorf("notes %q, want one with %q", notes, row.note)
				}
				target.set(fake)
				waitFor(t, "the note is gone", func() bool { return len(worker.ReadyNotes()) == 0 })
				if text := log.String(); !strings.Contains(text, "payment provider answers again") {
					t.Errorf("the end is not logged:\n%s", text)
				}
			})
		}
	}
}

// A certificate of an unknown authority.
func TestWorker_ReportsTLS(t *testing.T) {
	fake, log := fakeportone.New(), new(lockedBuffer)
	server := httptest.NewUnstartedServer(fake)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	v2, err := portone.NewV2(portone.Config{URL: server.URL, Secret: fake.APISecret})
	if err != nil {
		t.Fatal(err)
	}
	worker := payments.New(payments.Config{Provider: v2, Logger: slog.New(slog.NewTextHandler(log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { worker.Watch(ctx) })
	defer running.Wait()
	defer cancel()
	waitFor(t, "it is reported", func() bool { return len(worker.ReadyNotes()) == 1 })
	if text := log.String(); !strings.Contains(text, "certificate") || strings.Contains(text, fake.APISecret) {
		t.Errorf("logged %s", text)
	}
}
