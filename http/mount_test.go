package http

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// What is mounted gets what the API would get: no request of a foreign page or host, and no more than others from an address.
func TestMount_IsBehindChecks(t *testing.T) {
	mux := http.NewServeMux() // it redirects to clean paths
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "mounted %s %s", r.Method, r.URL.Path)
	})
	f := newFixture(t)
	f.mount("/pay", mux)
	for _, test := range []struct {
		method, path string
		header       []string
		want         int
	}{
		{"GET", "/pay/", nil, 200},
		{"GET", "/pay/a/b", nil, 200},
		{"PUT", "/pay/a", nil, 200},
		{"DELETE", "/pay/a/", nil, 200},
		{"POST", "/pay/a", []string{"Origin", "https://shop.example"}, 200},
		{"POST", "/pay/a", []string{"Origin", "https://evil.example"}, 403},
		{"GET", "/pay/a", []string{"Via", "1.1 proxy"}, 403},
		{"GET", "/pay", nil, 404},
		{"GET", "/payment", nil, 404},
		{"GET", "/pay/%2e%2e/api/v1/promotions", nil, 404},
		{"GET", "/pay//a", nil, 404},
		{"GET", "/pay/./a", nil, 404},
		{"PATCH", "/pay/a", nil, 405},
	} {
		f.LocalOnly = slices.Contains(test.header, "Via")
		a, body := f.send(t, test.method, test.path, test.header...)
		if a.StatusCode != test.want || a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s with %q: got %s %v %s, want %d", test.method, test.path, test.header, a.Status, a.Header, body, test.want)
		}
		if below := "mounted " + test.method + strings.TrimPrefix(test.path, "/pay"); test.want == 200 && strings.ReplaceAll(body, " /", "/") != below {
			t.Errorf("%s %s: got %q, want %q", test.method, test.path, body, below)
		}
	}
	f.LocalOnly, f.TrustedProxies, f.rateLimits.address = false, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, newLimiter(1)
	for range 10 {
		f.send(t, "GET", "/pay/a")
	}
	if a, _ := f.send(t, "GET", "/pay/a"); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("above the limit of an address: got %s", a.Status)
	}
	if rows := Routes("/pay"); !slices.ContainsFunc(rows, func(r Route) bool { return r.Path == "/pay/*path" && r.Who == "everyone" }) {
		t.Error("the table of who may use what lacks it")
	}
}
