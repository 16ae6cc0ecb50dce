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
			s.LocalHosts = local
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
