// Requests from web pages of other origins. Pages of allowed origins may use the API with credentials. Commands from any
// other origin are refused, since cookies and ?userId= would let such a page act as the user.

package http

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
)

const (
	exposedHeaders = "ETag, Idempotency-Key, Idempotent-Replayed, Last-Event-ID, Location, Preference-Applied, Retry-After, X-Request-Id"
	allowedHeaders = "Content-Type, Idempotency-Key, If-None-Match, Prefer, X-User-Id, Authorization, Last-Event-ID, X-Request-Id, Cache-Control"
)

// checkOrigin sets the CORS headers for allowed origins, and refuses commands from all others.
func (s *Server) checkOrigin(w http.ResponseWriter, r *http.Request) error {
	if origin := r.Header["Origin"]; len(origin) == 1 {
		h := w.Header()
		h["Vary"] = []string{"Origin"}
		if s.allowsOrigin(origin[0]) {
			h["Access-Control-Allow-Origin"] = origin
			h["Access-Control-Allow-Credentials"] = []string{"true"}
			h["Access-Control-Expose-Headers"] = []string{exposedHeaders}
			return nil
		}
	}
	if err := s.csrf.Check(r); err != nil {
		return problemf(forbidden, "commands from this origin are not allowed")
	}
	return nil
}

// allowsOrigin says whether an origin may use the API: loopback with any port, and those configured.
func (s *Server) allowsOrigin(origin string) bool {
	if slices.Contains(s.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != origin {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(u.Hostname())
	return err == nil && address.IsLoopback()
}

// options answers OPTIONS and CORS preflights. The router has set Allow.
func (s *Server) options(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if h["Access-Control-Allow-Origin"] != nil && r.Header["Access-Control-Request-Method"] != nil {
		h.Set("Access-Control-Allow-Methods", h.Get("Allow"))
		h.Set("Access-Control-Allow-Headers", allowedHeaders)
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}
