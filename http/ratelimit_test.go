package http

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsale/http/auth"
)

// stopClock makes the server's clock stand still; advance moves it.
func (f *fixture) stopClock() (advance func(time.Duration)) {
	start, offset := time.Now(), atomic.Int64{}
	f.now = func() time.Time { return start.Add(time.Duration(offset.Load())) }
	return func(d time.Duration) { offset.Add(int64(d)) }
}

// send sends a request; header holds names and values by turns.
func (f *fixture) send(t *testing.T, method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, f.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// A refused command is not recorded: after the time that the response names, the same key is a new request.
func TestRateLimit_RefusesCommandsOfUser(t *testing.T) {
	f := newFixture(t)
	seedPromotion(t, f, "p", 10)
	f.rateLimits.user = newLimiter(1)
	advance := f.stopClock()
	issue := func(user, key string) (*http.Response, string) {
		return f.send(t, "POST", "/api/v1/promotions/p/coupons", "X-User-Id", user, "Idempotency-Key", key, "Prefer", "wait=10")
	}
	issue("kim", "first")
	if a, body := issue("kim", "first"); a.StatusCode != http.StatusCreated || a.Header.Get("Idempotent-Replayed") == "" {
		t.Errorf("the second of a burst: got %s %s", a.Status, body)
	}
	appended := f.log.appended()
	a, body := issue("kim", "refused")
	if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "1" || a.Header.Get("Idempotency-Key") != "refused" ||
		!strings.Contains(body, `"code":"rate_limited"`) || !strings.Contains(body, `"requestId":"`) || f.log.appended() != appended {
		t.Errorf("above the limit: got %s %v %s", a.Status, a.Header, body)
	}
	if a, body := issue("lee", "first"); a.StatusCode != http.StatusCreated {
		t.Errorf("another user: got %s %s", a.Status, body)
	}
	for range 5 {
		if a, body := f.send(t, "GET", "/api/v1/me/coupons", "X-User-Id", "kim"); a.StatusCode != http.StatusOK {
			t.Errorf("a read: got %s %s", a.Status, body)
		}
		if a, body := f.send(t, "POST", "/api/v1/admin/promotions/p/pause", "X-User-Id", "admin"); a.StatusCode == http.StatusTooManyRequests {
			t.Errorf("a command of the shop: got %s %s", a.Status, body)
		}
	}
	f.send(t, "POST", "/api/v1/admin/promotions/p/resume", "X-User-Id", "admin")
	advance(time.Second)
	if a, body := issue("kim", "refused"); a.StatusCode != http.StatusConflict || a.Header.Get("Idempotent-Replayed") != "" || !strings.Contains(body, "already_issued") {
		t.Errorf("repeated later: got %s %v %s, want a decision", a.Status, a.Header, body)
	}
}

func TestRateLimit_OfThisMachine(t *testing.T) {
	f := newFixture(t)
	f.rateLimits.address, f.LimitThisMachine = newLimiter(2), true
	f.stopClock()
	for i := range 6 {
		if a, body := f.send(t, "GET", "/docs"); (a.StatusCode == http.StatusTooManyRequests) != (i >= 4) {
			t.Errorf("request %d: got %s %s", i, a.Status, body)
		}
	}
}

// A client behind a trusted proxy counts by its own address, whatever it asks for. What it says of itself changes nothing.
func TestRateLimit_RefusesRequestsFromAddress(t *testing.T) {
	f := newFixture(t)
	f.rateLimits.address = newLimiter(2)
	f.stopClock()
	for range 10 {
		if a, body := f.send(t, "GET", "/docs", "X-Forwarded-For", "203.0.113.1"); a.StatusCode != http.StatusOK {
			t.Errorf("from this machine: got %s %s", a.Status, body)
		}
	}
	f.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	exhaust := func(header ...string) {
		t.Helper()
		for i, path := range []string{"/docs", "/nowhere", "/api/v1/promotions", "/", "/docs", "/nowhere"} {
			a, body := f.send(t, "GET", path, header...)
			if got, want := a.StatusCode == http.StatusTooManyRequests, i >= 4; got != want || got && a.Header.Get("Retry-After") != "1" {
				t.Errorf("request %d with %q: got %s %s %s", i, header, a.Status, a.Header, body)
			}
		}
	}
	exhaust("X-Forwarded-For", "203.0.113.1")
	exhaust("Forwarded", `for="[2001:db8::1]"`)
	exhaust("X-Forwarded-For", "127.0.0.1, 203.0.113.2")                     // the first was written by the client
	exhaust("Forwarded", "for=127.0.0.1", "X-Forwarded-For", "198.51.100.1") // so was the one that the proxy does not write
	exhaust("X-Forwarded-For", "127.0.0.9, 198.51.100.2, 127.0.0.1")
	exhaust("X-Forwarded-For", "::1")     // a claim, not the peer
	exhaust("X-Forwarded-For", "garbage") // counts as the proxy
	for _, header := range [][]string{
		{"X-Forwarded-For", "203.0.113.200, 203.0.113.1"},
		{"Forwarded", `for="[2001:db8::ffff]:4711"`},
		{"X-Forwarded-For", ""},
		{},
	} {
		if a, body := f.send(t, "GET", "/docs", header...); a.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%q: got %s %s, want 429", header, a.Status, body)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if a, body := f.send(t, "GET", path); a.StatusCode != http.StatusOK {
			t.Errorf("%s, by the proxy itself: got %s %s", path, a.Status, body)
		}
	}
	a, body := f.send(t, "GET", "/api/v1/promotions/p/events", "X-Forwarded-For", "203.0.113.1")
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(body, "retry: ") {
		t.Errorf("an EventSource: got %s %s, want 200 and a time to come back", a.Status, body)
	}
	a, body = f.send(t, "GET", "/metrics", "X-Forwarded-For", "203.0.113.9")
	if !strings.Contains(body, `onsale_refused_total{code="rate_limited"} 19`) {
		t.Errorf("another address: got %s %s", a.Status, body)
	}
}

// What the check of the origin or of the host refuses counts, too. Each answer to a command echoes its key, and a page of an
// allowed origin may read it.
func TestRateLimit_CountsRefusedOrigins(t *testing.T) {
	f := newFixture(t)
	f.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	const command = "/api/v1/promotions/p/coupons"
	for name, test := range map[string]struct {
		method  string
		refused int
		headers []string
	}{
		"origin":    {"POST", 403, []string{"Origin", "https://evil.example"}},
		"command":   {"POST", 401, []string{"Origin", "https://shop.example"}},
		"preflight": {"OPTIONS", 204, []string{"Origin", "https://shop.example", "Access-Control-Request-Method", "POST"}},
		"host":      {"POST", 403, []string{"Via", "1.1 proxy"}},
	} {
		f.rateLimits.address, f.LocalOnly = newLimiter(1), name == "host"
		f.stopClock()
		for i := range 4 {
			want := test.refused
			if i >= 2 {
				want = 429
			}
			a, body := f.send(t, test.method, command, append(test.headers, "Idempotency-Key", "k-1", "X-Forwarded-For", "203.0.113.1")...)
			if a.StatusCode != want || test.method == "POST" && a.Header.Get("Idempotency-Key") != "k-1" || want == 429 && a.Header.Get("Retry-After") == "" {
				t.Errorf("%s, request %d: got %s %v %s, want %d and the key", name, i, a.Status, a.Header, body, want)
			}
			if origin := a.Header.Get("Access-Control-Allow-Origin"); (origin != "") != (name == "command" || name == "preflight") {
				t.Errorf("%s, request %d: readable by %q", name, i, origin)
			}
		}
		if a, _ := f.send(t, "POST", command, append(test.headers, "Idempotency-Key", "", "X-Forwarded-For", "203.0.113.1")...); a.StatusCode != 429 {
			t.Errorf("%s, with an invalid key: got %s", name, a.Status)
		}
	}
}

// BenchmarkRateLimit measures what both limits cost a command, sent directly and through a proxy.
func BenchmarkRateLimit(b *testing.B) {
	s := &Server{now: time.Now}
	s.rateLimits.user, s.rateLimits.address = newLimiter(1_000_000_000), newLimiter(1_000_000_000)
	s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	who := auth.Identity{User: "kim"}
	for name, peer := range map[string]string{"direct": "203.0.113.2:4711", "proxied": "10.0.0.1:4711"} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("POST", "/api/v1/promotions/p/coupons", nil)
			r.RemoteAddr = peer
			r.Header.Set("X-Forwarded-For", "203.0.113.1")
			for b.Loop() {
				_ = s.limitAddress(r)
				_ = s.limitUser(r, users, who)
			}
		})
	}
}
