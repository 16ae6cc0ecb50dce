// What the worker counts.
package payments

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/sony/gobreaker/v2"

	"onsale/http/portone"
)

// Stats are the counters of a Worker.
type Stats struct {
	mu     sync.Mutex
	asked  map[Asked]uint64
	learnt atomic.Uint64

	hintsDropped atomic.Uint64
}

// Asked is a kind of request with its outcome: get, cancel or prepare; yes, no or unknown.
type Asked struct{ What, Outcome string }

func (s *Stats) count(what string, err error) {
	outcome := "yes"
	if _, no := errors.AsType[*portone.Refusal](err); no {
		outcome = "no"
	} else if err != nil {
		outcome = "unknown"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		s.asked = map[Asked]uint64{}
	}
	s.asked[Asked{what, outcome}]++
}

// Figures are the counters at one moment.
type Figures struct {
	Asked        map[Asked]uint64 // requests to the provider
	Learnt       uint64           // facts appended
	HintsDropped uint64
	Working      int  // orders
	Away         bool // the provider does not answer, and is left alone
}

// Figures are those of now.
func (w *Worker) Figures() Figures {
	f := Figures{
		Learnt: w.stats.learnt.Load(), HintsDropped: w.stats.hintsDropped.Load(), Away: w.breaker.State() == gobreaker.StateOpen,
	}
	w.stats.mu.Lock()
	f.Asked = maps.Clone(w.stats.asked)
	w.stats.mu.Unlock()
	w.mu.Lock()
	f.Working = len(w.busy)
	w.mu.Unlock()
	return f
}
