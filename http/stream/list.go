// Who is there, and what each is doing. A cursor belongs to its goroutine or its loop: the goroutines of net/http leave word
// of theirs, and the loops are asked.
package stream

import (
	"slices"
	"sync/atomic"
	"time"
)

// Listed is an open stream as it was seen.
type Listed struct {
	Key    Key
	Cursor uint64        // everything up to this event is on its way to the reader, or is not for it
	Lag    uint64        // so far is its own last event that was told ahead of that, in numbers; 0: it lacks nothing
	Age    time.Duration // since it was let in
	State  string        // "live", "full", …: see doings; "unknown": cursor and lag are 0, since its loop did not answer
}

// String is how people call it.
func (k Kind) String() string { return [kinds]string{"user", "schedule", "order", "promotion"}[k] }

// doing is what a stream does at a moment.
type doing uint32

const (
	opens   doing = iota // it is not clear yet where it begins
	lives                // it sleeps: it has all that was told
	sends                // there is more than a batch for it
	writes               // a goroutine writes to it; one that stays so has a reader that takes nothing
	full                 // its socket takes nothing at the moment
	waits                // in line for the log
	chases               // it reads the log
	unknown              // its loop did not answer
)

var doings = [...]string{"opening", "live", "behind", "writing", "full", "waiting for the log", "catching up", "unknown"}

// traces are what a goroutine leaves of its stream for others to see.
type traces struct {
	seen  atomic.Uint64 // event, every frame of which it has written
	doing atomic.Uint32
}

func (t *traces) now(d doing) { t.doing.Store(uint32(d)) }

// sight is a stream at a moment.
type sight struct {
	place *place
	seen  uint64
	doing doing
	lag   uint64
}

// answerWithin is how long a loop may be about something else before its streams are given as unknown.
const answerWithin = time.Second

// List gives all open streams, in no order.
func (h *Hub) List() []Listed {
	now := h.Now()
	all := h.sights()
	list := make([]Listed, len(all))
	for i, s := range all {
		age := max(0, now.Sub(time.Unix(s.place.opened, 0)))
		list[i] = Listed{Key: s.place.topic.key, Cursor: s.seen, Lag: s.lag, Age: age, State: doings[s.doing]}
	}
	return list
}

func (h *Hub) sights() []sight {
	h.mu.RLock()
	guests := make([]guest, 0, len(h.conns))
	for g := range h.conns {
		guests = append(guests, g)
	}
	h.mu.RUnlock()
	all := make([]sight, 0, len(guests))
	theirs := map[*loop][]*socket{}
	for _, g := range guests {
		switch g := g.(type) {
		case *conn:
			all = append(all, sight{place: &g.place, seen: g.traces.seen.Load(), doing: doing(g.traces.doing.Load())})
		case *socket:
			theirs[g.loop] = append(theirs[g.loop], g)
		}
	}
	h.askLoops(theirs, &all)
	h.measure(all)
	return all
}

// askLoops appends what the loops see of their sockets.
func (h *Hub) askLoops(theirs map[*loop][]*socket, all *[]sight) {
	type answer struct {
		loop   *loop
		sights []sight
	}
	answers := make(chan answer, len(theirs)) // one that comes too late waits for nobody
	for l, sockets := range theirs {
		l.post(func() {
			seen := make([]sight, 0, len(sockets))
			for _, s := range sockets {
				switch {
				case !s.begun: // its cursor still belongs to whoever opens it
					seen = append(seen, sight{place: &s.place, doing: opens})
				case !s.closed:
					seen = append(seen, sight{place: &s.place, seen: s.cursor.at.seen(), doing: s.doing()})
				}
			}
			answers <- answer{l, seen}
		})
	}
	timer := time.NewTimer(answerWithin)
	defer timer.Stop()
	for len(theirs) > 0 {
		select {
		case a := <-answers:
			*all = append(*all, a.sights...)
			delete(theirs, a.loop)
		case <-timer.C:
			for _, sockets := range theirs {
				for _, s := range sockets {
					*all = append(*all, sight{place: &s.place, doing: unknown})
				}
			}
			return
		}
	}
}

// doing is for the loop of a socket that has begun.
func (s *socket) doing() doing {
	switch {
	case s.full:
		return full
	case s.pump != nil && s.loop.hub.line.called(s.pump.ticket):
		return chases
	case s.pump != nil:
		return waits
	case s.again:
		return sends
	}
	return lives
}

// called says whether t had its turn.
func (l *line) called(t *ticket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return t.inside
}

// measure finds how far each is behind. Only the store knows the last event of a reader that has none in the ring; of what
// it knows, some may not be told yet.
func (h *Hub) measure(all []sight) {
	newest := make([]uint64, len(all))
	h.mu.RLock()
	head := h.ring.head
	for i, s := range all {
		newest[i] = s.place.topic.newest
		if b := s.place.topic.board; b != nil {
			newest[i] = b.at
		}
	}
	h.mu.RUnlock()
	for i := range all {
		s := &all[i]
		if s.doing == opens || s.doing == lives || s.doing == unknown {
			continue
		}
		if newest[i] == 0 && s.place.topic.key.Kind < chained {
			newest[i] = min(h.Last(s.place.topic.key), head)
		}
		s.lag = max(newest[i], s.seen) - s.seen
	}
}

// Lags say how far open streams are behind. One that sleeps is not, as whatever is told for it wakes it.
type Lags struct {
	Behind    int    // streams that are: full, or writing, or in line for the log, or reading it
	P99, Most uint64 // events: 99 per cent of all streams, and all, are at most so far behind; see Listed
}

// Lags is for a scrape now and then: fifty thousand streams cost some twenty milliseconds, and hold up each of two loops for
// one to three of them. It is false when some loop did not answer.
func (h *Hub) Lags() (Lags, bool) {
	var lags []uint64
	all := h.sights()
	for _, s := range all {
		switch s.doing {
		case unknown:
			return Lags{}, false
		case opens, lives:
		default:
			lags = append(lags, s.lag)
		}
	}
	slices.Sort(lags)
	slices.Reverse(lags)
	l := Lags{Behind: len(lags)}
	if len(lags) > 0 {
		l.Most = lags[0]
	}
	if worse := len(all) / 100; worse < len(lags) {
		l.P99 = lags[worse]
	}
	return l, true
}
