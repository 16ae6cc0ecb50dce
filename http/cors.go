// Which pages of other origins may use this API from a browser. Two rules: a page of an allowed origin may read answers,
// with credentials; and no page of any other origin may command, since cookies and ?userId= would let it act as the user.

package http

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
)

const (
	exposedHeaders = "Last-Event-ID, Location, Idempotency-Key, Retry-After, X-Request-Id"
	allowedHeaders = "Content-Type, Idempotency-Key, Prefer, X-User-Id, Authorization, Last-Event-ID, X-Request-Id, Cache-Control"
)

// checkOrigin opens the answer to a page of an allowed origin, and refuses commands of all others.
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
		return problemf(forbidden, "a page of another origin may not command here")
	}
	return nil
}

// allowsOrigin says whether pages of this origin may use the API: those of this machine, at any port, and those configured.
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

// options answers OPTIONS: what the path takes (the router has set Allow), and the preflight of a browser.
func (s *Server) options(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if h["Access-Control-Allow-Origin"] != nil && r.Header["Access-Control-Request-Method"] != nil {
		h.Set("Access-Control-Allow-Methods", h.Get("Allow"))
		h.Set("Access-Control-Allow-Headers", allowedHeaders)
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}
