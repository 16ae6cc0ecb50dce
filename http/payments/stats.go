// What the worker counts.

package payments

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/sony/gobreaker/v2"

	"onsale/http/payments/portone"
)

// counters are the counters of a Worker.
type counters struct {
	mu       sync.Mutex
	calls    map[Call]uint64
	recorded atomic.Uint64

	webhooksDropped atomic.Uint64
}

// Call is a kind of request with its outcome: get, cancel or prepare; yes, no or unknown.
type Call struct{ Operation, Outcome string }

func (s *counters) count(operation string, err error) {
	outcome := "yes"
	if _, refused := errors.AsType[*portone.Refusal](err); refused {
		outcome = "no"
	} else if err != nil {
		outcome = "unknown"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls = map[Call]uint64{}
	}
	s.calls[Call{operation, outcome}]++
}

// Stats are the counters at one moment.
type Stats struct {
	Calls           map[Call]uint64 // requests to the provider
	Recorded        uint64          // facts appended
	WebhooksDropped uint64
	InFlight        int  // orders
	CircuitOpen     bool // the provider does not answer, and is left alone
}

// Stats are those of now.
func (w *Worker) Stats() Stats {
	f := Stats{
		Recorded: w.counters.recorded.Load(), WebhooksDropped: w.counters.webhooksDropped.Load(), CircuitOpen: w.breaker.State() == gobreaker.StateOpen,
	}
	w.counters.mu.Lock()
	f.Calls = maps.Clone(w.counters.calls)
	w.counters.mu.Unlock()
	w.mu.Lock()
	f.InFlight = len(w.inFlight)
	w.mu.Unlock()
	return f
}
