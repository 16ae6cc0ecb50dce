// Package stream delivers events over Server-Sent Events so that a reader who comes back with the id of the last frame it
// saw misses nothing and sees nothing twice.
//
// There is one ring of ready-made frames in the process, and a connection is a cursor on it: whose events, and how far.
// Nothing is queued for a connection, so a slow one costs no memory and holds up nobody; it falls out of the ring and
// reads the log at its own pace until it is back. Being new, being live, coming back and falling behind are one path:
// ask the cursor for the next bytes, write them, ask again.
package stream

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"onsale/domain"
	"onsale/projections"
)

// Config is what a Hub is made of. Last, NumberAt and CatchUp are needed; a zero of the others means the default.
type Config struct {
	Epoch string // of the log, 8 characters of 0-9 a-z
	Ring  int    // so many of the newest events are kept ready (16,384)
	Head  uint64 // the number of the last event that is told already

	// Last is the number of the last event of a key in the store, 0 when it has none. It may be ahead of what was told,
	// never behind it.
	Last func(Key) uint64
	// NumberAt is the number of the first event at or after t; 0, or one that is not told yet, when there is none.
	NumberAt func(t domain.Time) (uint64, error)
	// CatchUp reads the events of a key from the log in order, beginning with the first at or after number from, and then
	// waits for more. It ends soon after ctx does. The events it gives, those that Last knows and the numbers before in
	// projections.Told are of one mind about what belongs to a key: for a user all that name it, for a schedule all of
	// kind seats.
	CatchUp func(ctx context.Context, from uint64, key Key) iter.Seq2[domain.Event, error]
	// CatchUps is how many of these may run at once (64); other readers wait in line.
	CatchUps int

	UserLife, ScheduleLife           time.Duration // of a connection, jittered down by up to a fifth (60 min, 30 min)
	UserHeartbeat, ScheduleHeartbeat time.Duration // (25 s, 30 s)
	WriteTimeout                     time.Duration // for a batch of frames; it resumes where it was cut (20 s)

	Log *slog.Logger
	Now func() time.Time
}

// Hub holds the ring and the connections that read it.
type Hub struct {
	Config
	line line // for the log

	mu     sync.RWMutex // the ring, and who watches which topic; never held while anything is written or encoded
	ring   ring
	ahead  map[*arrival]struct{}
	conns  map[*conn]struct{}
	shut   string        // why there are no streams any more; "" while there are
	halted bool          // nothing is told any more
	until  time.Time     // a drain ends then: nobody need come back sooner
	empty  chan struct{} // closed when shut and the last connection is gone
	remote sync.WaitGroup

	fresh, complete, reset, shed, slow atomic.Uint64
	encoded, written                   atomic.Uint64
}

// New is a hub with an empty ring that ends at c.Head.
func New(c Config) *Hub {
	c.Ring = cmp.Or(c.Ring, 16_384)
	c.CatchUps = cmp.Or(c.CatchUps, 64)
	c.UserLife, c.ScheduleLife = cmp.Or(c.UserLife, time.Hour), cmp.Or(c.ScheduleLife, 30*time.Minute)
	c.UserHeartbeat, c.ScheduleHeartbeat = cmp.Or(c.UserHeartbeat, 25*time.Second), cmp.Or(c.ScheduleHeartbeat, 30*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 20*time.Second)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Hub{
		Config: c, line: line{free: c.CatchUps}, ring: newRing(c.Ring, c.Head),
		ahead: map[*arrival]struct{}{}, conns: map[*conn]struct{}{}, empty: make(chan struct{}),
	}
}

// Fill puts the newest events of the log into the ring, before the first connection.
func (h *Hub) Fill(events []projections.Told) {
	if len(events) == 0 {
		return
	}
	h.mu.Lock()
	head := h.ring.head
	h.ring.restart(events[0].Number - 1)
	h.mu.Unlock()
	h.Tell(events)
	h.mu.Lock()
	defer h.mu.Unlock()
	if head > h.ring.head {
		h.ring.restart(head)
	}
}

// Tell is called with every event that is confirmed and in this node's store, in the order of their numbers. It waits for
// no reader. What was told before is passed over; where something was left out, the ring begins anew behind the hole, and
// readers find what is in it in the log.
func (h *Hub) Tell(events []projections.Told) {
	var stirred []*topic
	var hole uint64
	h.mu.Lock()
	for _, told := range events {
		if h.halted || told.Number <= h.ring.head {
			continue
		}
		if told.Number > h.ring.head+1 {
			h.ring.restart(told.Number - 1)
			hole = told.Number
		}
		e := h.ring.push(told)
		for kind, t := range e.topics {
			if t == nil || len(t.watchers) == 0 || t.stirred || Kind(kind) == OfSchedule && !shows(&e.event) {
				continue
			}
			t.stirred = true
			stirred = append(stirred, t)
		}
	}
	for a := range h.ahead {
		if a.number <= h.ring.head {
			close(a.reached)
			delete(h.ahead, a)
		}
	}
	for _, t := range stirred {
		t.stirred = false
	}
	h.mu.Unlock()

	if hole != 0 {
		h.Log.Warn("events were not told; the ring begins anew", "with", hole)
	}
	h.mu.RLock() // woken readers find the lock free to read
	defer h.mu.RUnlock()
	if hole != 0 {
		for c := range h.conns {
			c.watcher.wake()
		}
		return
	}
	for _, t := range stirred {
		for _, w := range t.watchers {
			w.wake()
		}
	}
}

// shows says that watchers of a schedule see something of e. A rush of refusals need not wake them.
func shows(e *domain.Event) bool {
	_, ids := changed(e)
	return len(ids) > 0
}

// An arrival waits for the ring to reach the number it came with.
type arrival struct {
	number  uint64
	reached chan struct{}
}

// reach waits until event number is told, but not longer than patience.
func (h *Hub) reach(ctx context.Context, number uint64, patience time.Duration) bool {
	a := &arrival{number, make(chan struct{})}
	h.mu.Lock()
	if number <= h.ring.head {
		h.mu.Unlock()
		return true
	}
	h.ahead[a] = struct{}{}
	h.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-a.reached:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.ahead, a)
	return number <= h.ring.head
}

// head is the number of the last event that was told.
func (h *Hub) head() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.ring.head
}
