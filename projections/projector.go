// The projector: one goroutine that decides. The others carry what it has decided to EVENTS, compare what others wrote
// there, let the clock strike, and watch over the logs; whichever of them meets something that must not be halts the node.
package projections

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"onsale/domain"
	"onsale/domain/shop"
)

// Config is what a projector is made of.
type Config struct {
	Path string // of the read store
	Log  Log
	// Commands reads COMMANDS from a message on until ctx ends, with the node's own durable.
	Commands func(ctx context.Context, from uint64) (Commands, error)
	Epoch    string // of the log
	// Tell is called with confirmed events in the order of their numbers, without holes. It must not wait for a reader.
	Tell func([]Told)
	// Halted is called once, when the node stops deciding.
	Halted func(reason string)
	// KeepOutbox is how long an event stays in the outbox after it was confirmed: twice the log's sync interval.
	KeepOutbox time.Duration
	Logger     *slog.Logger
}

// Told is a confirmed event on its way to the streams, with the number of the event before it for the same user and for
// the same entity (0: none).
type Told struct {
	domain.Event
	BeforeOfUser, BeforeOfEntity uint64
}

// Projector is the node's decider and its read store.
type Projector struct {
	Config
	store *Store

	// Owned by Run's goroutine: what the last transaction left, and what the next one is making of it.
	mark    meta
	message uint64 // of COMMANDS, wholly decided

	// mu guards what Run writes and others read. It is held for map accesses only, never over I/O.
	mu        sync.RWMutex
	shop      *shop.Shop // written by Run alone, which reads it without the lock
	heads     heads      // of confirmed events
	fresh     heads      // of events that are decided and not yet confirmed
	tally     tally      // of committed events
	pace      pace
	pending   []pending // decided, committed, not confirmed; in order
	waiting   waiting
	committed meta        // mark as of the last commit
	logTime   domain.Time // of the last decided message
	confirmed uint64
	settled   []settled // when which number was confirmed, for the outbox

	telling    sync.Mutex    // held while events are confirmed and told, so that they are told in order
	changed    chan struct{} // closed and made anew at each commit and each confirmation; guarded by mu
	recent     recentHashes  // guarded by mu
	logEnd     atomic.Uint64 // EVENTS is known to reach at least to here
	lineEnd    atomic.Uint64 // COMMANDS is known to reach at least to this message
	outboxFull atomic.Bool   // EVENTS had no room for the last batch
	goal       goal          // set by Open
	halted     atomic.Pointer[string]
	stop       context.CancelFunc

	beforeCommit func() error // tests only: fails a transaction that has done all its work
}

// goal is where the logs ended at start.
type goal struct{ sequence, events uint64 }

// pending is an event that waits for its confirmation.
type pending struct {
	told   Told
	record domain.Record
	row    row
}

// settled says that the events up to number were confirmed at the time at.
type settled struct {
	number uint64
	at     time.Time
}

// ErrHalted is what everybody hears once the projector has stopped deciding.
var ErrHalted = errors.New("halted")

// Run decides until ctx ends. It returns nil then, and also after a halt: a halted node stays up to say why.
func (p *Projector) Run(ctx context.Context) error {
	ctx, p.stop = context.WithCancel(ctx)
	defer p.stop()
	var group sync.WaitGroup
	defer group.Wait()
	for _, work := range []func(context.Context) error{p.emit, p.follow, p.strike, p.watch, p.decide} {
		group.Go(func() {
			if err := work(ctx); err != nil && ctx.Err() == nil {
				p.halt(err)
			}
		})
	}
	group.Wait()
	return nil
}

// halt stops everything that decides. The first reason stays.
func (p *Projector) halt(err error) {
	reason := err.Error()
	if !p.halted.CompareAndSwap(nil, &reason) {
		return
	}
	p.Logger.Error("halted: this node decides nothing any more", "reason", reason)
	p.stop()
	p.mu.Lock()
	p.waiting.abandon()
	p.notify()
	p.mu.Unlock()
	if p.Halted != nil {
		p.Halted(reason)
	}
}

// notify wakes everybody who waits for a change. Called with mu held.
func (p *Projector) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}
