// Package stream delivers events over Server-Sent Events so that a reader who comes back with the id of the last frame it
// saw misses nothing and sees nothing twice.
//
// There is one ring of ready-made frames in the process, and a connection is a cursor on it: whose events, and how far.
// Nothing is queued for a connection, so a slow one costs no memory and holds up nobody; it falls out of the ring and
// reads the log at its own pace until it is back. Being new, being live, coming back and falling behind are one path:
// ask the cursor for the next bytes, write them, ask again.
package sse

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"onsale/domain"
)

// Config is what a Hub is made of. Last, NumberAt and CatchUp are needed; a zero of the others means the default.
type Config struct {
	Epoch string // of the log, 8 characters of 0-9 a-z
	Ring  int    // so many of the newest events are kept ready (16,384)
	Head  uint64 // the number of the last event that is told already

	// Last is the number of the last event of a key in the store, 0 when it has none. It may be ahead of what was told,
	// never behind it.
	Last func(Topic) uint64
	// NumberAt is the number of the first event at or after t; 0, or one that is not told yet, when there is none.
	NumberAt func(t domain.Time) (uint64, error)
	// CatchUp reads the events of a key from the log in order, beginning with the first at or after number from, and then
	// waits for more. It ends soon after ctx does. The events it gives, those that Last knows and the numbers before in
	// projections.Told are of one mind about what belongs to a key: for a user all that name it, for a schedule all of
	// kind seats, for an order all of kind orders.
	CatchUp func(ctx context.Context, from uint64, key Topic) iter.Seq2[domain.Event, error]
	// MaxCatchUps is how many of these may run at once (64); other readers wait in line.
	MaxCatchUps int
	// Progress is how a promotion stands in the store, which has all that was told; false: there is none. Promotion needs it.
	Progress func(promotion string) (Progress, bool, error)
	// OrderView is how an order stands in the store, which has all that was told and may have more; false: there is none. The
	// method Order needs it.
	OrderView func(impUID string) (OrderView, bool, error)

	// An order's stream lives as long as a schedule's, and has a user's heartbeat.
	UserMaxAge, ScheduleMaxAge       time.Duration // of a connection, jittered down by up to a fifth (60 min, 30 min)
	UserHeartbeat, ScheduleHeartbeat time.Duration // (25 s, 30 s)
	WriteTimeout                     time.Duration // for a batch of frames; it resumes where it was cut (90 s)

	// MaxStreams bounds the streams in all (four fifths of the descriptors that this process may have), MaxPerUser those of
	// one user, and those of one order (100), MaxPerAddress those of one address (0: as many as there are, for behind a
	// proxy there is but one). Below 0: no bound. One too many is told to come back later.
	MaxStreams, MaxPerUser, MaxPerAddress int

	// Engine serves streams over HTTP/1.1 without a goroutine each, where the system can (Linux). Without it, and
	// elsewhere, each has one of net/http.
	Engine    bool
	newPoller func(*Hub) (poller, error) // nil: the system's

	Log *slog.Logger
	Now func() time.Time
}

// Hub holds the ring and the connections that read it.
type Hub struct {
	Config
	catchUpSlots fifoSemaphore // for the log
	engine       engine

	mu              sync.RWMutex // the ring, and who watches which topic; never held while anything is written or encoded
	ring            ring
	positionWaiters map[*positionWaiter]struct{}
	subscriptions   map[subscription]struct{}
	addresses       map[netip.Addr]int        // streams, where they are limited
	open            [topicKinds]int           // so many of each kind
	promotionFeeds  map[string]*promotionFeed // of the promotions that are watched
	refresher       refresher                 // keeps them up to date
	closedReason    string                    // why there are no streams any more; "" while there are
	halted          bool                      // nothing is told any more
	drainUntil      time.Time                 // a drain ends then: nobody need come back sooner
	empty           chan struct{}             // closed when shut and the last connection is gone
	ctx             context.Context           // ends when shut
	cancel          context.CancelFunc        // ends it
	background      sync.WaitGroup
	lastDrain       struct{ began, ended time.Time } // the latest

	fresh, complete, reset, rejected, slow atomic.Uint64
	encoded, written, bytes                atomic.Uint64
	replayed, demoted                      atomic.Uint64
	conflations, conflated                 atomic.Uint64
	rejections                             rejections
	dropped                                struct{ draining, halted atomic.Uint64 } // ended or turned away, for this
	noFlushOnce                            sync.Once                                // is told to the log
}

// New is a hub with an empty ring that ends at c.Head.
func New(c Config) *Hub {
	c.Ring = cmp.Or(c.Ring, 16_384)
	c.MaxCatchUps = cmp.Or(c.MaxCatchUps, 64)
	c.UserMaxAge, c.ScheduleMaxAge = cmp.Or(c.UserMaxAge, time.Hour), cmp.Or(c.ScheduleMaxAge, 30*time.Minute)
	c.UserHeartbeat, c.ScheduleHeartbeat = cmp.Or(c.UserHeartbeat, 25*time.Second), cmp.Or(c.ScheduleHeartbeat, 30*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 90*time.Second)
	c.MaxStreams, c.MaxPerUser = cmp.Or(c.MaxStreams, fileLimit()/5*4), cmp.Or(c.MaxPerUser, 100)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Hub{
		ctx: ctx, cancel: cancel,
		Config: c, catchUpSlots: fifoSemaphore{free: c.MaxCatchUps}, ring: newRing(c.Ring, c.Head),
		positionWaiters: map[*positionWaiter]struct{}{}, subscriptions: map[subscription]struct{}{}, addresses: map[netip.Addr]int{}, empty: make(chan struct{}),
		promotionFeeds: map[string]*promotionFeed{},
	}
}
