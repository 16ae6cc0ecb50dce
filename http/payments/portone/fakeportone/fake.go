// Package fake is a PortOne in memory, both APIs of it, at least as nasty as the real one: it answers late, twice, wrongly
// or not at all, before or after it has done what was asked, and it writes down what no good client does. Whether money was
// given back, how often, and to the won, it knows exactly.
//
// Beside the APIs there is a side door, /_fake/, for people and scripts; tests have the methods of Server. Where PortOne's
// documents are silent, the fake does what its clients have seen, and says so. Not here: retries of webhooks, billing keys,
// and the Bearer tokens of V2.
package fakeportone

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is a PortOne. Its exported fields are set before it serves.
type Server struct {
	Now            func() time.Time // the clock, which Advance moves on
	Key, Secret    string           // of V1
	APISecret      string           // of V2
	Store          string           // V2's store id
	WebhookSecrets []string         // "whsec_" and base64; every one of them signs
	// PartlyCancelled is what V1 calls a payment of which a part was given back: "paid" or "cancelled". Its documents do
	// not say.
	PartlyCancelled string
	Asynchronous    bool // V2 gives money back only when Settle says so
	// RequireBalance says that the client has promised to send the balance it believes with each cancellation.
	RequireBalance bool

	control *http.ServeMux // the side door

	mu         sync.Mutex // guards what follows; handlers run under it, one at a time
	offset     time.Duration
	payments   []*Payment          // in the order they were begun
	attempts   map[string]*Payment // by imp_uid
	orders     map[string]*Payment // by merchant_uid, the latest attempt
	prepared   map[string]preparation
	token      token
	keys       map[string]*keyedRequest // of V2, by idempotency key
	faults     faults
	webhooks   Webhooks
	queued     []message // made, and not sent yet
	held       []message // sent after the next
	unsent     int       // of those that wait, or are on their way
	violations []string

	sent sync.Cond // unsent is less
}

// The keys of a fake that was told no others. They open nothing else.
const (
	fakeKey       = "imp_fake_key"
	fakeSecret    = "imp_fake_secret"
	fakeAPISecret = "fake_api_secret"
	fakeStore     = "store-fake"
)

// New is a PortOne without a payment.
func New() *Server {
	s := &Server{
		Now: time.Now, Key: fakeKey, Secret: fakeSecret, APISecret: fakeAPISecret, Store: fakeStore,
		WebhookSecrets:  []string{"whsec_b2xkLWZha2Utd2ViaG9vay1rZXk=", "whsec_bmV3LWZha2Utd2ViaG9vay1rZXk="},
		PartlyCancelled: "paid", RequireBalance: true,
		attempts: map[string]*Payment{}, orders: map[string]*Payment{},
		prepared: map[string]preparation{}, keys: map[string]*keyedRequest{},
	}
	s.sent.L = &s.mu
	s.control = s.controlMux()
	return s
}

// Wait returns when every webhook has been sent but one that Reorder holds back.
func (s *Server) Wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.unsent > 0 {
		s.sent.Wait()
	}
}

// Advance moves the clock on.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

func (s *Server) now() time.Time { return s.Now().Add(s.offset) }

// Violations are what clients did that a good one never does.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.violations...)
}

const maxViolations = 1000

func (s *Server) recordViolation(format string, a ...any) {
	if len(s.violations) < maxViolations {
		s.violations = append(s.violations, fmt.Sprintf(format, a...))
	}
}

// ServeHTTP serves the side door, V2 to whoever shows a PortOne secret or asks for a path that only V2 has, and V1 to
// everyone else.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_fake/") {
		s.control.ServeHTTP(w, r)
		return
	}
	s.serve(w, r)
}
