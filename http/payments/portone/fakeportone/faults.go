// Faults: what goes wrong with which request, by a plan, by rules of the control API, or at random from a seed; and how the
// responses are corrupted.

package fakeportone

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Kind of a fault.
type Kind string

// A fault before the effect prevents it; any other changes only the response.
const (
	None       Kind = ""
	Slow       Kind = "slow"        // the effect comes after Delay, also if the client has gone
	Error      Kind = "500"         // before the effect
	ErrorAfter Kind = "500-after"   //
	Reset      Kind = "reset"       // before the effect
	ResetAfter Kind = "reset-after" //
	TooMany    Kind = "429"         // before the effect
	Refuse     Kind = "refuse"      // before the effect: V1's 200 with an error code, V2's 409 with a new type
	Redirect   Kind = "redirect"    // before the effect: to an address that must not get the keys
	Garbage    Kind = "garbage"     // half of the response
	Page       Kind = "page"        // an HTML page with a 200
	Huge       Kind = "huge"        // 2 MiB of blanks before the JSON
	Extra      Kind = "extra"       // new fields
	Enum       Kind = "enum"        // a new status
	Fraction   Kind = "fraction"    // amounts with a fraction
	Revoke     Kind = "revoke"      // the token is revoked just before
)

var kinds = []Kind{Slow, Error, ErrorAfter, Reset, ResetAfter, TooMany, Refuse, Redirect, Garbage, Page, Huge, Extra, Enum,
	Fraction, Revoke}

type Fault struct {
	Kind  Kind
	Delay time.Duration // of Slow
}

// rule applies a fault to the next Times requests of a route, "" for all; 0 is without limit.
type rule struct {
	Route string
	Fault
	Times int
}

// faults are tried in this order: the plan, the rules, chance.
type faults struct {
	plan   func(route string, n int) Fault
	rules  []rule
	rng    *rand.Rand
	rate   float64
	counts map[string]int
}

// routes can have faults.
var routes = []string{"token", "get", "find", "cancel", "prepare"}

// Plan lets plan choose the fault of the nth request, from 1, of a route: token, get, find, cancel or prepare; nil is no
// plan. V2 finds by get. It runs under the server's lock, so it must not call the server.
func (s *Server) Plan(plan func(route string, n int) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.plan, s.faults.counts = plan, map[string]int{}
}

// Fail applies a fault to the next times requests of a route; times 0 is without limit, route "" is every route.
func (s *Server) Fail(route string, f Fault, times int) error {
	known := slices.Contains(kinds, f.Kind) && (route == "" || slices.Contains(routes, route))
	if !known || times < 0 || f.Delay < 0 || f.Delay > time.Minute {
		return fmt.Errorf("kind must be one of %v, route one of %v or empty, times 0 or more, delay up to 1m", kinds, routes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.rules = append(s.faults.rules, rule{route, f, times})
	return nil
}

// RandomFaults gives random faults to this fraction of all requests, 0 to 1.
func (s *Server) RandomFaults(seed uint64, rate float64) error {
	if !(0 <= rate && rate <= 1) {
		return fmt.Errorf("rate must be 0 to 1, not %v", rate)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.rng, s.faults.rate = rand.New(rand.NewPCG(seed, 0)), rate
	return nil
}

// ClearFaults ends all faults.
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

// beforeEffect: the request has no effect.
func (f Fault) beforeEffect() bool {
	return slices.Contains([]Kind{Error, Reset, TooMany, Refuse, Redirect}, f.Kind)
}

// respond sends the response of a request without effect.
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

// resetConn closes the connection with a TCP reset.
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

// writeResponse sends a, corrupted by the fault.
func writeResponse(w http.ResponseWriter, f Fault, a response) {
	tree := toTree(a.body)
	switch f.Kind {
	case Extra:
		tree = addFields(tree)
	case Enum:
		tree = replaceField(tree, "status", func(any) any { return "SOMETHING_NEW" })
	case Fraction:
		for _, name := range []string{"amount", "total", "totalAmount"} {
			tree = replaceField(tree, name, addHalf)
		}
	}
	text, err := json.Marshal(tree)
	if err != nil {
		panic(err) // the tree came from JSON
	}
	switch f.Kind {
	case ResetAfter:
		resetConn(w)
		return
	case ErrorAfter:
		http.Error(w, "upstream timed out", http.StatusBadGateway)
		return
	case Garbage:
		text = text[:len(text)/2]
	case Page:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>잠시 후 다시 시도해 주세요</html>")
		return
	case Huge:
		text = append(bytes.Repeat([]byte(" "), 2<<20), text...)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_, _ = w.Write(text)
}

// toTree converts any value into a tree of maps, lists, strings and json.Numbers.
func toTree(v any) (tree any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // handlers return JSON values only
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&tree) // it was just encoded
	return tree
}

// addFields adds fields to every object, some of them named almost like existing ones.
func addFields(tree any) any {
	return walk(tree, func(fields map[string]any) {
		maps.Copy(fields, map[string]any{
			"new_field": map[string]any{"deep": []any{1, "2", nil}}, "Amount": 1, "STATUS": "paid", "Sandbox": "yes", "imp_Uid": 7,
			"Code": 9, "Id": "other", "Total": "1",
		})
	})
}

// replaceField replaces the value of every field with this name.
func replaceField(tree any, name string, by func(any) any) any {
	return walk(tree, func(fields map[string]any) {
		if old, ok := fields[name]; ok {
			fields[name] = by(old)
		}
	})
}

// addHalf turns 1000 into 1000.5 and 14.2 into 14.2005, and leaves other values alone.
func addHalf(v any) any {
	if number, ok := v.(json.Number); ok {
		if strings.Contains(number.String(), ".") {
			return json.Number(number.String() + "005")
		}
		return json.Number(number.String() + ".5")
	}
	return v
}

func walk(tree any, do func(map[string]any)) any {
	switch tree := tree.(type) {
	case map[string]any:
		for _, value := range tree {
			walk(value, do)
		}
		do(tree)
	case []any:
		for _, value := range tree {
			walk(value, do)
		}
	}
	return tree
}
