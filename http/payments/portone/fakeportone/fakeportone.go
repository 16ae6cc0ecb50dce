// Package fakeportone is a PortOne in memory, with both of its APIs. On request it responds late, wrongly or not at all,
// before or after the effect, and sends webhooks twice or never; it records what a correct client never does, and knows
// exactly what was paid and refunded. Tests use the methods of Server, people and scripts the control API at /_fake/. Where
// PortOne's documents are silent, the fake does what clients have observed. Missing are retries of webhooks, billing keys,
// and the Bearer tokens of V2.
package fakeportone

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is one PortOne. Set its exported fields before it serves.
type Server struct {
	Now            func() time.Time // the clock, to which Advance adds
	Key, Secret    string           // of V1
	APISecret      string           // of V2
	Store          string           // V2's store id
	WebhookSecrets []string         // "whsec_" and base64; each adds a signature
	// PartlyCancelled is V1's status of a partly refunded payment: "paid" or "cancelled". Its documents do not say.
	PartlyCancelled string
	Currency        string // of payments that name none
	Asynchronous    bool   // a refund of V2 stays REQUESTED until Settle
	// RequireBalance makes it a violation to cancel without the expected balance.
	RequireBalance bool

	control, v1, v2 *http.ServeMux

	start string // makes imp_uids distinct from those of any other start: a restarted demo still knows their orders

	mu         sync.Mutex // guards what follows; handlers run under it, one at a time
	offset     time.Duration
	payments   []*Payment            // in the order of creation
	attempts   map[string]*Payment   // by imp_uid
	orders     map[string][]*Payment // by merchant_uid, the latest attempt last
	prepared   map[string]preparation
	token      token
	keys       map[string]*keyedRequest // of V2, by idempotency key
	faults     faults
	webhooks   Webhooks
	queued     []message // not sent yet
	held       []message // to be sent after the next, for Reorder
	unsent     int       // queued or being sent
	violations []string

	sent sync.Cond // unsent has decreased
}

// The default keys. They are valid nowhere else.
const (
	fakeKey       = "imp_fake_key"
	fakeSecret    = "imp_fake_secret"
	fakeAPISecret = "fake_api_secret"
	fakeStore     = "store-fake"
)

// New has no payments.
func New() *Server {
	s := &Server{
		Now: time.Now, Key: fakeKey, Secret: fakeSecret, APISecret: fakeAPISecret, Store: fakeStore,
		WebhookSecrets:  []string{"whsec_b2xkLWZha2Utd2ViaG9vay1rZXk=", "whsec_bmV3LWZha2Utd2ViaG9vay1rZXk="},
		PartlyCancelled: "paid", Currency: "KRW", RequireBalance: true,
		attempts: map[string]*Payment{}, orders: map[string][]*Payment{},
		prepared: map[string]preparation{}, keys: map[string]*keyedRequest{},
		start: strings.ToLower(rand.Text()[:8]),
	}
	s.sent.L = &s.mu
	s.control = s.controlMux()
	s.v1, s.v2 = s.apiMuxes()
	return s
}

// Wait returns when every webhook has been sent, except one that Reorder holds back.
func (s *Server) Wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.unsent > 0 {
		s.sent.Wait()
	}
}

// Advance moves the clock forward.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

func (s *Server) now() time.Time { return s.Now().Add(s.offset) }

// Violations are what clients did that a correct one never does.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

const maxViolations = 1000

func (s *Server) recordViolation(format string, a ...any) {
	if len(s.violations) < maxViolations {
		s.violations = append(s.violations, fmt.Sprintf(format, a...))
	}
}

// ServeHTTP serves the control API, V2 for requests with a PortOne secret or a path that only V2 has, and V1 for all others.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/_fake/"):
		s.control.ServeHTTP(w, r)
	case strings.HasPrefix(r.Header.Get("Authorization"), "PortOne "):
		s.v2.ServeHTTP(w, r)
	default:
		s.v1.ServeHTTP(w, r)
	}
}

// apiMuxes have the paths of both APIs. The name of a route is that of its faults.
func (s *Server) apiMuxes() (v1, v2 *http.ServeMux) {
	v1, v2 = http.NewServeMux(), http.NewServeMux()
	handleV1 := func(pattern, route string, handle handler) {
		v1.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, route, handle, false) })
	}
	handleV1("POST /users/getToken", "token", s.getToken)
	handleV1("POST /payments/cancel", "cancel", s.requireToken(s.v1Cancel))
	handleV1("POST /payments/prepare", "prepare", s.requireToken(s.v1Prepare))
	handleV1("PUT /payments/prepare", "prepare", s.requireToken(s.v1Prepare))
	handleV1("GET /payments/prepare/{uid}", "prepare", s.requireToken(s.v1Prepared))
	handleV1("GET /payments", "find", s.requireToken(s.v1Batch))
	for _, path := range []string{"find/{order}", "findAll/{order}", "find/{order}/{status}", "findAll/{order}/{status}", "status/{status}"} {
		handleV1("GET /payments/"+path, "find", s.requireToken(s.v1List))
	}
	handleV1("GET /payments/{uid}", "get", s.requireToken(s.v1Get))
	handleV1("/", "", func(request) response { return v1Error(http.StatusNotFound, -1, "Not Found") })

	handleV2 := func(mux *http.ServeMux, pattern, route string, handle handler) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, route, handle, true) })
	}
	handleV2(v2, "GET /payments/{id}", "get", s.requireSecret(s.v2Get))
	for _, mux := range []*http.ServeMux{v1, v2} { // without a secret they are still V2's
		handleV2(mux, "POST /payments/{id}/cancel", "cancel", s.requireSecret(s.v2Cancel))
		handleV2(mux, "POST /payments/{id}/pre-register", "prepare", s.requireSecret(s.v2Prepare))
	}
	handleV2(v2, "/", "", func(request) response { return problem(http.StatusNotFound, "NOT_FOUND", "no such path") })
	return v1, v2
}

// request has its body read. A handler makes the response, under the server's lock.
type (
	request struct {
		*http.Request
		body []byte
	}
	handler func(request) response
)

// response is a status and a JSON tree of maps, lists and values.
type response struct {
	status int
	body   any
}

const maxBody = 64 << 10

func (s *Server) serve(w http.ResponseWriter, r *http.Request, route string, handle handler, v2 bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	q := request{r, body}
	fault, key, early := s.prepare(route, q, v2)
	if early != nil {
		writeResponse(w, fault, *early)
		return
	}
	if fault.Kind == Slow {
		time.Sleep(fault.Delay) // also when the client has gone: the request still takes effect
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

// prepare chooses the fault. A request whose idempotency key is known gets an early response.
func (s *Server) prepare(route string, q request, v2 bool) (f Fault, key string, early *response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f = s.nextFault(route)
	if v2 {
		key, early = s.beginKey(q)
	}
	return f, key, early
}

// execute makes the correct response, and says whether webhooks are sent before it.
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
