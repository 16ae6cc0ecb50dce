package http

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHost_RefusesForeignNames(t *testing.T) {
	s := stubServer(nil)
	s.Origins = []string{"https://shop.example"}
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "127.0.0.1": 200, "[::1]:8080": 200, "[::1]": 200, "[::ffff:127.0.0.1]:8080": 200, "192.168.1.7": 200,
		"localhost": 200, "LocalHost:8080": 200, "shop.localhost:8080": 200, "localhost.": 200, "onsale": 200, "shop.example": 200,
		"evil.example": 403, "evil.example:8080": 403, "evil.example.": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403,
		"127.0.0.1.nip.io:8080": 403, "shop.example.evil.example": 403, "shop.example:8080": 403, "xlocalhost.example": 403,
	} {
		for _, local := range []bool{true, false} {
			s.LocalOnly = local
			r := httptest.NewRequest("GET", "/healthz", nil)
			r.Host = host
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if !local {
				want = 200
			}
			if w.Code != want || want == 403 && !strings.Contains(w.Body.String(), "cors.origins") {
				t.Errorf("%s: got %d %s, want %d", host, w.Code, w.Body, want)
			}
		}
	}
}

// A proxy in front of a node that believes every request would publish its admin endpoints.
func TestHost_RefusesProxies(t *testing.T) {
	s := stubServer(nil)
	for header, want := range map[string]int{
		"X-Forwarded-For": 403, "X-Forwarded-Host": 403, "X-Forwarded-Proto": 403, "X-Real-IP": 403, "Forwarded": 403, "Via": 403, "X-Request-Id": 200,
	} {
		for _, local := range []bool{true, false} {
			s.LocalOnly = local
			r := httptest.NewRequest("POST", "/api/v1/admin/promotions", nil)
			r.Host = "127.0.0.1:8080"
			r.Header.Set(header, "x")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if refused := w.Code == 403; refused != (local && want == 403) || refused && !strings.Contains(w.Body.String(), "auth.demoAnywhere") {
				t.Errorf("%s, local only %v: got %d %s", header, local, w.Code, w.Body)
			}
		}
	}
}
