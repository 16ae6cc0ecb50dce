// Rate limits: of the commands of one user, and of the requests from one address. What is above is refused before it is read and
// recorded nowhere, so a client repeats it with the same key.

package http

import (
	"net/http"
	"sync/atomic"
	"time"

	"onsale/http/auth"
	"onsale/http/ratelimit"
)

// rateLimits has a limiter for each limit; nil: there is none.
type rateLimits struct {
	user, address *ratelimit.Limiter
	loggedAt      atomic.Int64 // seconds since 1970
}

// newLimiter allows twice as many at once as a second.
func newLimiter(perSecond int) *ratelimit.Limiter {
	if perSecond <= 0 {
		return nil
	}
	return ratelimit.New(perSecond, 2*perSecond)
}

// limitUser counts a user's commands. What needs a role is not counted: it is the shop's own.
func (s *Server) limitUser(r *http.Request, row access, who auth.Identity) error {
	if s.rateLimits.user == nil || r.Method != http.MethodPost || row.roles != 0 || who.User == "" {
		return nil
	}
	return refusedFor(s.rateLimits.user.Take(who.User, s.now()))
}

// limit refuses a request of an address that has sent too many, or does not read the responses.
func (s *Server) limit(w http.ResponseWriter, r *http.Request) error {
	if err := s.limitAddress(r); err != nil {
		return err
	}
	if r.ProtoMajor == 2 && !isProbe(r.URL.Path) {
		if bounded := boundedOf(w); bounded != nil && bounded.full {
			return problemf(rateLimited, "too many responses are not read, or waited for")
		}
	}
	return nil
}

// sparesThisMachine says that the request comes from this machine, whose requests no limit of an address counts.
func (s *Server) sparesThisMachine(r *http.Request) bool {
	return !s.LimitThisMachine && auth.FromThisMachine(r, s.TrustedProxies)
}

// limitAddress counts the requests from the client's address. Unless LimitThisMachine, it does not count those of this machine that no
// trusted proxy sent: a load test, a monitor or a proxy that no setting names is not one client. Nor does it count those for the
// state of the node, which are cheap: a probe that shares its address with a crowd must not take the node for dead.
func (s *Server) limitAddress(r *http.Request) error {
	if s.rateLimits.address == nil || isProbe(r.URL.Path) || s.sparesThisMachine(r) {
		return nil
	}
	address := auth.ClientAddress(r, s.TrustedProxies)
	if !address.IsValid() {
		return nil
	}
	err := refusedFor(s.rateLimits.address.TakeAddress(address, s.now()))
	if err != nil {
		s.logRateLimit(r)
	}
	return err
}

// isProbe says that a path shows the state of this node.
func isProbe(path string) bool { return path == "/healthz" || path == "/readyz" || path == "/metrics" }

// refusedFor is the error of a request that may be repeated after wait; nil: there is no wait.
func refusedFor(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	p := problemf(rateLimited, "")
	p.retryAfter = int((wait + time.Second - 1) / time.Second)
	return p
}

// logRateLimit logs at most once a minute that an address sends too much. A line for each could fill the disk.
func (s *Server) logRateLimit(r *http.Request) {
	now, last := time.Now().Unix(), s.rateLimits.loggedAt.Load()
	if now < last+60 || !s.rateLimits.loggedAt.CompareAndSwap(last, now) {
		return
	}
	s.Logger.Warn("too many requests from an address, some are refused; if it is a proxy, name it in trustedProxies", "peer", r.RemoteAddr)
}
