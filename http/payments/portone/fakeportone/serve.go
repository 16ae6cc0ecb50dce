// The way of one request: what goes wrong is chosen, the right answer is made, and spoilt.

package fakeportone

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
	handler func(request) response
)

// response is a status, and a tree of maps, lists and values for JSON.
type response struct {
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
	fault, key, early := s.prepare(route, q, v2)
	if early != nil {
		writeResponse(w, fault, *early)
		return
	}
	if fault.Kind == Slow {
		time.Sleep(fault.Delay) // also when nobody waits any more: PortOne goes on with what it was asked
	}
	if fault.beforeEffect() {
		s.releaseKey(key)
		fault.respond(w, v2)
		return
	}
	a, webhooksFirst := s.execute(handle, q, key, fault)
	if webhooksFirst {
		s.deliver(s.takeQueued())
	}
	writeResponse(w, fault, a)
	s.deliverAsync()
}

// prepare chooses what goes wrong. Where the key of the request is known, there is an answer early.
func (s *Server) prepare(route string, q request, v2 bool) (f Fault, key string, early *response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f = s.nextFault(route)
	if v2 {
		key, early = s.beginKey(q)
	}
	return f, key, early
}

// execute makes the right answer, and says whether webhooks go out before it.
func (s *Server) execute(handle handler, q request, key string, f Fault) (a response, webhooksFirst bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Kind == Revoke {
		s.token = token{}
	}
	a = handle(q)
	s.finishKey(key, &a)
	return a, s.webhooks.First
}

func (s *Server) releaseKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finishKey(key, nil)
}

// v1Subpaths stand where V2's paths have a payment id.
var v1Subpaths = []string{"find", "findAll", "status", "prepare"}

// route names what is asked, and who answers.
func (s *Server) route(r *http.Request) (name string, handle handler, v2 bool) {
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	if strings.HasPrefix(r.Header.Get("Authorization"), "PortOne ") || len(path) == 3 && !slices.Contains(v1Subpaths, path[1]) {
		name, handle = s.routeV2(r.Method, path)
		return name, handle, true
	}
	name, handle = s.routeV1(r.Method, path)
	return name, handle, false
}
