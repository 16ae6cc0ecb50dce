// The way of one request: what goes wrong is chosen, the right answer is made, and spoilt.
package fake

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// request is one request and its body. handler makes the answer, under the server's lock.
type (
	request struct {
		*http.Request
		body []byte
	}
	handler func(request) answer
)

// answer is a status, and a tree of maps, lists and values for JSON.
type answer struct {
	status int
	body   any
}

const maxBody = 64 << 10

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	q := request{r, body}
	route, handle, v2 := s.route(r)
	fault, key, early := s.begin(route, q, v2)
	if early != nil {
		write(w, fault, *early)
		return
	}
	if fault.Kind == Slow {
		time.Sleep(fault.Delay) // also when nobody waits any more: PortOne goes on with what it was asked
	}
	if fault.before() {
		s.forget(key)
		fault.refuse(w, v2)
		return
	}
	a, first := s.do(handle, q, key, fault)
	if first {
		s.deliver(s.take())
	}
	write(w, fault, a)
	s.sendAfter()
}

// begin chooses what goes wrong. Where the key of the request is known, there is an answer early.
func (s *Server) begin(route string, q request, v2 bool) (f Fault, key string, early *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f = s.choose(route)
	if v2 {
		key, early = s.enter(q)
	}
	return f, key, early
}

// do makes the right answer, and says whether webhooks go out before it.
func (s *Server) do(handle handler, q request, key string, f Fault) (a answer, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Kind == Revoke {
		s.token = token{}
	}
	a = handle(q)
	s.leave(key, &a)
	return a, s.webhooks.First
}

func (s *Server) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(key, nil)
}

// v1Words stand where V2's paths have a payment id.
var v1Words = []string{"find", "findAll", "status", "prepare"}

// route names what is asked, and who answers.
func (s *Server) route(r *http.Request) (name string, handle handler, v2 bool) {
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	if strings.HasPrefix(r.Header.Get("Authorization"), "PortOne ") || len(path) == 3 && !slices.Contains(v1Words, path[1]) {
		name, handle = s.routeV2(r.Method, path)
		return name, handle, true
	}
	name, handle = s.routeV1(r.Method, path)
	return name, handle, false
}
