// What can go wrong, and when: by a plan, by rules from the side door, or at random from a seed.

package fakeportone

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"time"
)

// Kind is a way in which a request goes wrong.
type Kind string

// Before the effect there is none; after it, only the answer suffers.
const (
	None       Kind = ""
	Slow       Kind = "slow"        // the effect comes after Delay, whether or not somebody still waits
	Error      Kind = "500"         // before the effect
	ErrorAfter Kind = "500-after"   //
	Reset      Kind = "reset"       // before the effect
	ResetAfter Kind = "reset-after" //
	TooMany    Kind = "429"         // before the effect
	Refuse     Kind = "refuse"      // before the effect: V1's 200 with a code, V2's 409 with a new type
	Redirect   Kind = "redirect"    // before the effect: elsewhere, where the keys must not go
	Garbage    Kind = "garbage"     // half of the answer
	Page       Kind = "page"        // a page for people, with a 200
	Huge       Kind = "huge"        // more than anybody should read
	Extra      Kind = "extra"       // fields that are new
	Enum       Kind = "enum"        // a status that is new
	Fraction   Kind = "fraction"    // amounts that are not whole
	Revoke     Kind = "revoke"      // the token is taken back just before
)

var kinds = []Kind{Slow, Error, ErrorAfter, Reset, ResetAfter, TooMany, Refuse, Redirect, Garbage, Page, Huge, Extra, Enum,
	Fraction, Revoke}

// Fault is one thing that goes wrong.
type Fault struct {
	Kind  Kind
	Delay time.Duration // of Slow
}

// rule makes a fault of every request of a route, "" for all, so many times; 0 is for ever.
type rule struct {
	Route string
	Fault
	Times int
}

// faults: the plan comes first, then the rules in order, then chance.
type faults struct {
	plan   func(route string, n int) Fault
	rules  []rule
	rng    *rand.Rand
	rate   float64
	counts map[string]int
}

// Routes are what a fault can be of.
var routes = []string{"token", "get", "find", "cancel", "prepare"}

// Plan asks plan what goes wrong with the nth request, from 1, of a route: token, get, find, cancel or prepare; nil for
// no plan. It runs under the server's lock, so it must not call the server.
func (s *Server) Plan(plan func(route string, n int) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.plan, s.faults.counts = plan, map[string]int{}
}

// Fail makes the next times requests of a route fail so; times 0 is for ever, route "" is every route.
func (s *Server) Fail(route string, f Fault, times int) error {
	known := slices.Contains(kinds, f.Kind) && (route == "" || slices.Contains(routes, route))
	if !known || times < 0 || f.Delay < 0 || f.Delay > time.Minute {
		return fmt.Errorf("kind is one of %v, route one of %v or empty, times 0 or more, delay up to 1m", kinds, routes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.rules = append(s.faults.rules, rule{route, f, times})
	return nil
}

// RandomFaults lets this part of all requests, 0 to 1, fail in any way, as the seed has it.
func (s *Server) RandomFaults(seed uint64, rate float64) error {
	if !(0 <= rate && rate <= 1) {
		return fmt.Errorf("rate is 0 to 1, not %v", rate)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.rng, s.faults.rate = rand.New(rand.NewPCG(seed, 0)), rate
	return nil
}

// ClearFaults forgets all plans, rules and chance.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults{}
}

func (s *Server) nextFault(route string) Fault {
	f := &s.faults
	if f.plan != nil {
		f.counts[route]++
		if fault := f.plan(route, f.counts[route]); fault.Kind != None {
			return fault
		}
	}
	for i := range f.rules {
		if rule := &f.rules[i]; rule.Route == "" || rule.Route == route {
			fault := rule.Fault
			if rule.Times == 1 {
				f.rules = slices.Delete(f.rules, i, i+1)
			} else if rule.Times > 1 {
				rule.Times--
			}
			return fault
		}
	}
	if f.rate > 0 && f.rng.Float64() < f.rate {
		return Fault{kinds[f.rng.IntN(len(kinds))], 20 * time.Millisecond}
	}
	return Fault{}
}

// Requests that go wrong before anything is done.

// beforeEffect says that the request has no effect.
func (f Fault) beforeEffect() bool {
	return slices.Contains([]Kind{Error, Reset, TooMany, Refuse, Redirect}, f.Kind)
}

// respond answers what has no effect.
func (f Fault) respond(w http.ResponseWriter, v2 bool) {
	switch f.Kind {
	case Error:
		http.Error(w, "internal error", http.StatusInternalServerError)
	case TooMany:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case Redirect:
		w.Header().Set("Location", "/_fake/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	case Refuse:
		if v2 {
			writeResponse(w, Fault{}, problem(http.StatusConflict, "SOMETHING_NEW", "PG사 점검 시간입니다."))
		} else {
			writeResponse(w, Fault{}, v1Error(http.StatusOK, -1, "PG사 점검 시간입니다."))
		}
	default:
		resetConn(w)
	}
}

// resetConn breaks the connection, so that the client's kernel says so at once.
func resetConn(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}
