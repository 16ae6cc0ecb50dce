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
	Last func(Key) uint64
	// NumberAt is the number of the first event at or after t; 0, or one that is not told yet, when there is none.
	NumberAt func(t domain.Time) (uint64, error)
	// CatchUp reads the events of a key from the log in order, beginning with the first at or after number from, and then
	// waits for more. It ends soon after ctx does. The events it gives, those that Last knows and the numbers before in
	// projections.Told are of one mind about what belongs to a key: for a user all that name it, for a schedule all of
	// kind seats, for an order all of kind orders.
	CatchUp func(ctx context.Context, from uint64, key Key) iter.Seq2[domain.Event, error]
	// CatchUps is how many of these may run at once (64); other readers wait in line.
	CatchUps int
	// Progress is how a promotion stands in the store, which has all that was told; false: there is none. Promotion needs it.
	Progress func(promotion string) (Progress, bool, error)
	// Order is how an order stands in the store, which has all that was told and may have more; false: there is none. The
	// method Order needs it.
	Order func(impUID string) (OrderView, bool, error)

	// An order's stream lives as long as a schedule's, and has a user's heartbeat.
	UserLife, ScheduleLife           time.Duration // of a connection, jittered down by up to a fifth (60 min, 30 min)
	UserHeartbeat, ScheduleHeartbeat time.Duration // (25 s, 30 s)
	WriteTimeout                     time.Duration // for a batch of frames; it resumes where it was cut (90 s)

	// MaxStreams bounds the streams in all (four fifths of the descriptors that this process may have), MaxPerUser those of
	// one user, and those of one order (100), MaxPerAddress those of one address (0: as many as there are, for behind a
	// proxy there is but one). Below 0: no bound. One too many is told to come back later.
	MaxStreams, MaxPerUser, MaxPerAddress int

	// Engine serves streams over HTTP/1.1 without a goroutine each, where the system can (Linux). Without it, and
	// elsewhere, each has one of net/http.
	Engine bool
	poller func(*Hub) (poller, error) // nil: the system's

	Log *slog.Logger
	Now func() time.Time
}

// Hub holds the ring and the connections that read it.
type Hub struct {
	Config
	line   line // for the log
	engine engine

	mu        sync.RWMutex // the ring, and who watches which topic; never held while anything is written or encoded
	ring      ring
	ahead     map[*arrival]struct{}
	conns     map[guest]struct{}
	addresses map[netip.Addr]int // streams, where they are limited
	open      [kinds]int         // so many of each kind
	boards    map[string]*board  // of the promotions that are watched
	painter   painter            // keeps them up to date
	shut      string             // why there are no streams any more; "" while there are
	halted    bool               // nothing is told any more
	until     time.Time          // a drain ends then: nobody need come back sooner
	empty     chan struct{}      // closed when shut and the last connection is gone
	living    context.Context    // ends when shut
	die       context.CancelFunc // ends it
	remote    sync.WaitGroup
	drain     struct{ began, ended time.Time } // the latest

	fresh, complete, reset, shed, slow atomic.Uint64
	encoded, written, bytes            atomic.Uint64
	replayed, demoted                  atomic.Uint64
	bursts, spared                     atomic.Uint64
	refused                            turnedAway
	dropped                            struct{ draining, halted atomic.Uint64 } // ended or turned away, for this
	unflushed                          sync.Once                                // is told to the log
}

// New is a hub with an empty ring that ends at c.Head.
func New(c Config) *Hub {
	c.Ring = cmp.Or(c.Ring, 16_384)
	c.CatchUps = cmp.Or(c.CatchUps, 64)
	c.UserLife, c.ScheduleLife = cmp.Or(c.UserLife, time.Hour), cmp.Or(c.ScheduleLife, 30*time.Minute)
	c.UserHeartbeat, c.ScheduleHeartbeat = cmp.Or(c.UserHeartbeat, 25*time.Second), cmp.Or(c.ScheduleHeartbeat, 30*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 90*time.Second)
	c.MaxStreams, c.MaxPerUser = cmp.Or(c.MaxStreams, fileLimit()/5*4), cmp.Or(c.MaxPerUser, 100)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	living, die := context.WithCancel(context.Background())
	return &Hub{
		living: living, die: die,
		Config: c, line: line{free: c.CatchUps}, ring: newRing(c.Ring, c.Head),
		ahead: map[*arrival]struct{}{}, conns: map[guest]struct{}{}, addresses: map[netip.Addr]int{}, empty: make(chan struct{}),
		boards: map[string]*board{},
	}
}
