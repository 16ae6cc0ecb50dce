// Requests from web pages of other origins. Pages of allowed origins may use the API with credentials. Commands from any
// other origin are refused, since cookies and ?userId= would let such a page act as the user. Where everyone is who they say,
// a page whose name was made to point at this machine (DNS rebinding) would not even be of another origin, so requests to a
// foreign name are refused.

package http

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

const (
	exposedHeaders = "ETag, Idempotency-Key, Idempotent-Replayed, Last-Event-ID, Location, Preference-Applied, Retry-After, X-Request-Id"
	allowedHeaders = "Content-Type, Idempotency-Key, If-None-Match, Prefer, X-User-Id, Authorization, Last-Event-ID, X-Request-Id, Cache-Control"
)

// Header values of every response. A response is never a page of another site's frame, nor something else than it says; pages
// and files that others may load override them. There are no more, because a response with over eight headers allocates a lot.
var (
	varyOrigin = []string{"Origin"}
	noSniff    = []string{"nosniff"}
	sameOrigin = []string{"same-origin"}
	noFrames   = []string{"frame-ancestors 'none'"}
)

func setSecurityHeaders(h http.Header) {
	h["X-Content-Type-Options"] = noSniff
	h["Content-Security-Policy"] = noFrames
	h["Cross-Origin-Resource-Policy"] = sameOrigin
}

// checkOrigin sets the CORS headers for allowed origins, whose pages may read why they are refused, and refuses commands from all
// others.
func (s *Server) checkOrigin(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h["Vary"] = varyOrigin
	origin := r.Header["Origin"]
	allowed := len(origin) == 1 && s.allowsOrigin(origin[0])
	if allowed {
		h["Access-Control-Allow-Origin"] = origin
		h["Access-Control-Allow-Credentials"] = []string{"true"}
		h["Access-Control-Expose-Headers"] = []string{exposedHeaders}
	}
	if s.LocalOnly {
		if err := s.checkLocal(r); err != nil {
			return err
		}
	}
	if allowed {
		return nil
	}
	if err := s.csrf.Check(r); err != nil {
		if len(origin) == 1 && origin[0] != "null" {
			return problemf(forbidden, "%s", fmt.Sprintf("pages of %q may not send commands to host %q: "+
				"list the origin in cors.origins, or let the proxy in front keep the Host header", origin[0], r.Host))
		}
		return problemf(forbidden, "commands from pages of other origins are not allowed, unless cors.origins lists the origin")
	}
	return nil
}

// allowsOrigin says whether an origin may use the API: those configured, and in demo mode loopback with any port.
func (s *Server) allowsOrigin(origin string) bool {
	if slices.Contains(s.Origins, origin) {
		return true
	}
	if !s.Auth.IsDemo() {
		return false
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

// checkLocal refuses what a node that believes every request must not get: a web page of another site under a name of its own
// (DNS rebinding), and clients of a proxy, which would publish the admin endpoints.
func (s *Server) checkLocal(r *http.Request) error {
	if !s.isLocalHost(r.Host) {
		return problemf(forbidden, "%s", fmt.Sprintf("in demo mode the host %q is refused, since any web page can have it: "+
			"use an IP address or localhost, list its origin in cors.origins, or choose another auth.mode", r.Host))
	}
	for _, name := range proxyHeaders {
		if r.Header[name] != nil {
			return problemf(forbidden, "%s", fmt.Sprintf("in demo mode a request from a proxy (%s) is refused, since any client could be any "+
				"user, also admin: choose auth.mode proxy or jwt, or set auth.demoAnywhere", name))
		}
	}
	return nil
}

// proxyHeaders are added by proxies, some of them by each.
var proxyHeaders = []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

// isLocalHost says whether a Host header cannot be that of a foreign web page: an address, a name below localhost, a name
// without a dot, which nobody can register, or none. The hosts of allowed origins count too.
func (s *Server) isLocalHost(host string) bool {
	name := strings.Trim(host, "[]")
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !strings.Contains(name, ".") || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return slices.ContainsFunc(s.Origins, func(origin string) bool {
		_, allowed, _ := strings.Cut(origin, "://")
		return strings.EqualFold(allowed, host)
	})
}

// options answers OPTIONS and CORS preflights. The router has set Allow.
func (s *Server) options(w http.ResponseWriter, r *http.Request) {
	if err := s.limit(w, r); err != nil {
		s.metrics.countUnrouted(r.Method, s.fail(w, r, err))
		return
	}
	h := w.Header()
	if h["Access-Control-Allow-Origin"] != nil && r.Header["Access-Control-Request-Method"] != nil {
		h.Set("Access-Control-Allow-Methods", h.Get("Allow"))
		h.Set("Access-Control-Allow-Headers", allowedHeaders)
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}
