// Package sse delivers events as Server-Sent Events. A client that reconnects with the id of the last frame it saw misses
// nothing and sees nothing twice.
//
// A ring holds the newest events as encoded frames, once for the whole process. A stream is a cursor on it: whose events,
// for which audience, and how far. Nothing is queued for a stream, so a slow one costs no memory and delays no other: it falls
// out of the ring and reads the journal at its own pace until it is back. A new stream, a live one, one that resumes and one
// that fell behind follow the same path: ask the cursor for the next bytes, write them, ask again. See DESIGN.md.
package sse

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"onsale/http/sse/evloop"
	"onsale/projections"
)

// Config configures a Hub. Epoch and Source are required; a zero value of the others means the default.
type Config struct {
	Epoch  string // of the log, 8 characters of 0-9 a-z
	Head   uint64 // number of the last event that is confirmed
	Source Source
	Ring   int // capacity, in events (16,384)

	// MaxCatchUps bounds the streams that read the journal at the same time (64). Others wait their turn.
	MaxCatchUps int

	// A stream's maximum age is jittered down by up to a fifth (60 min, 30 min). Streams of orders have a schedule's age and a
	// user's heartbeat.
	UserMaxAge, ScheduleMaxAge       time.Duration
	UserHeartbeat, ScheduleHeartbeat time.Duration // (25 s, 30 s)
	WriteTimeout                     time.Duration // for one batch of frames (90 s)

	// MaxStreams bounds all streams (four fifths of the descriptors that this process may have), MaxPerUser those of one user
	// and those of one order (100), MaxPerAddress those of one client's address (0: unlimited). Below 0: unlimited. A stream too
	// many is rejected with a retry delay.
	MaxStreams, MaxPerUser, MaxPerAddress int

	// TrustedProxies are the peers that name the client's address in a header.
	TrustedProxies []netip.Prefix

	// EventLoop serves streams over plain HTTP/1.1 without a goroutine each, on Linux. All others keep those of their handlers.
	EventLoop bool

	// Trace returns what is called each time that all frames of an event have gone out to a stream of the kind. Nil: the event
	// is not traced. Optional.
	Trace func(event uint64) (sent func(TopicKind))

	Logger *slog.Logger
	Now    func() time.Time

	// Others in tests; nil: the system's, and those in Source.
	newPoller func(writeTimeout time.Duration) (evloop.Poller, error)
	snapshots snapshots
}

// Hub holds the ring and the streams that read it.
type Hub struct {
	Config
	catchUpSlots fifoSemaphore

	engineOnce sync.Once
	engine     *evloop.Engine // nil: not started

	mu              sync.RWMutex // never held while anything is written or encoded
	ring            ring
	positionWaiters map[*positionWaiter]struct{}
	subscriptions   map[*subscription]struct{}
	addresses       map[netip.Addr]int // streams, if they are limited
	open            [topicKinds]int    // streams
	promotionFeeds  map[string]*promotionFeed
	refresher       refresher
	closedReason    string    // why there are no streams any more; "": there are
	halted          bool      // nothing is delivered any more
	suspended       bool      // streams are rejected for now
	drainUntil      time.Time // clients come back later than this
	lastDrain       struct{ began, ended time.Time }

	empty      chan struct{}   // closed when the hub is closed and has no streams
	ctx        context.Context // ends when the hub is closed
	cancel     context.CancelFunc
	background sync.WaitGroup

	fresh, complete, reset, rejected, slow atomic.Uint64
	expired                                atomic.Uint64 // closed or answered, because the identity was not valid any more
	encoded, written, bytes                atomic.Uint64
	replayed, demoted                      atomic.Uint64
	conflations, conflated                 atomic.Uint64
	rejections                             rejections
	dropped                                struct{ draining, halted, isolated atomic.Uint64 } // closed or rejected streams
	logNoFlush                             sync.Once
}

// New makes a hub with an empty ring that ends at c.Head.
func New(c Config) *Hub {
	c.Ring = cmp.Or(c.Ring, 16_384)
	c.MaxCatchUps = cmp.Or(c.MaxCatchUps, 64)
	c.UserMaxAge, c.ScheduleMaxAge = cmp.Or(c.UserMaxAge, time.Hour), cmp.Or(c.ScheduleMaxAge, 30*time.Minute)
	c.UserHeartbeat, c.ScheduleHeartbeat = cmp.Or(c.UserHeartbeat, 25*time.Second), cmp.Or(c.ScheduleHeartbeat, 30*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 90*time.Second)
	c.MaxStreams, c.MaxPerUser = cmp.Or(c.MaxStreams, evloop.MaxDescriptors()/5*4), cmp.Or(c.MaxPerUser, 100)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.newPoller == nil {
		c.newPoller = evloop.NewPoller
	}
	if c.snapshots == nil {
		c.snapshots = storeSnapshots{c.Source}
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Hub{
		Config: c, catchUpSlots: fifoSemaphore{free: c.MaxCatchUps}, ring: newRing(c.Ring, c.Head),
		positionWaiters: map[*positionWaiter]struct{}{}, subscriptions: map[*subscription]struct{}{}, addresses: map[netip.Addr]int{},
		promotionFeeds: map[string]*promotionFeed{}, empty: make(chan struct{}), ctx: ctx, cancel: cancel,
	}
}

// Preload puts the newest events of the log into the ring, before the first stream.
func (h *Hub) Preload(events []projections.ConfirmedEvent) {
	if len(events) == 0 {
		return
	}
	h.mu.Lock()
	head := h.ring.head
	h.ring.restart(events[0].Number - 1)
	h.mu.Unlock()
	h.Deliver(events)
	h.mu.Lock()
	defer h.mu.Unlock()
	if head > h.ring.head {
		h.ring.restart(head)
	}
}

// Deliver takes every event that is confirmed and in this node's store, in the order of their numbers. It waits for no
// reader. Events that were delivered before are ignored. At a gap the ring is reset, and streams read from the journal what
// is missing.
func (h *Hub) Deliver(events []projections.ConfirmedEvent) {
	var dirty []*topicState
	var gap uint64 // the event after it
	h.mu.Lock()
	for _, confirmed := range events {
		if h.halted || confirmed.Number <= h.ring.head {
			continue
		}
		if confirmed.Number > h.ring.head+1 {
			h.ring.restart(confirmed.Number - 1)
			gap = confirmed.Number
			for _, feed := range h.promotionFeeds {
				h.scheduleRefresh(feed)
			}
		}
		dirty = h.pushEvent(confirmed, dirty)
	}
	if len(events) > 0 {
		dirty = append(dirty, h.ring.feeds...)
	}
	for w := range h.positionWaiters {
		if w.number <= h.ring.head {
			close(w.reached)
			delete(h.positionWaiters, w)
		}
	}
	for _, t := range dirty {
		t.dirty = false
	}
	h.mu.Unlock()

	if gap != 0 {
		h.Logger.Warn("gap in delivered events, ring reset", "next", gap)
	}
	h.mu.RLock() // a read lock, so that woken readers do not wait for it
	defer h.mu.RUnlock()
	if gap != 0 {
		for sub := range h.subscriptions {
			sub.cursor.topic.wake()
		}
		return
	}
	for _, t := range dirty {
		t.wake()
	}
}

// pushEvent appends one event to the ring, and to dirty the topics whose subscribers have to be woken, each once.
func (h *Hub) pushEvent(confirmed projections.ConfirmedEvent, dirty []*topicState) []*topicState {
	ids := topicIDs(&confirmed.Event)
	e := h.ring.push(confirmed, ids)
	if h.Trace != nil {
		e.sent = h.Trace(e.event.Number)
	}
	if feed := h.promotionFeeds[ids[TopicPromotion]]; feed != nil {
		h.scheduleRefresh(feed)
	}
	for kind, t := range e.topics {
		if t == nil || t.subscribers == 0 || t.dirty || !hasFrames(TopicKind(kind), &e.event) {
			continue
		}
		t.dirty = true
		dirty = append(dirty, t)
	}
	return dirty
}

// head is the number of the last event that was delivered.
func (h *Hub) head() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.ring.head
}
