// The projector: one goroutine that decides. The others carry what it has decided to EVENTS, compare what others wrote
// there, let the clock strike, and watch over the logs; whichever of them meets something that must not be halts the node.

package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"onsale/domain"
	"onsale/domain/machine"
	"onsale/projections/store"
)

// Config is what a projector is made of.
type Config struct {
	Path string // of the read store
	Log  Log
	// ConsumeCommands reads COMMANDS from a message on until ctx ends, with the node's own durable.
	ConsumeCommands func(ctx context.Context, from uint64) (CommandConsumer, error)
	Epoch           string // of the log
	// OnConfirmed is called with confirmed events in the order of their numbers, without holes. It must not wait for a reader.
	OnConfirmed func([]ConfirmedEvent)
	// OnHalt is called once, when the node stops deciding.
	OnHalt func(reason string)
	// OutboxRetention is how long an event stays in the outbox after it was confirmed: twice the log's sync interval.
	OutboxRetention time.Duration
	Logger          *slog.Logger
}

// ConfirmedEvent is a confirmed event on its way to the streams, with the number of the event before it for the same user and for
// the same entity (0: none).
type ConfirmedEvent struct {
	domain.Event
	PrevOfUser, PrevOfEntity uint64
}

// Projector is the node's decider and its read store.
type Projector struct {
	Config
	store.Exporter
	store *store.Store

	// Owned by Run's goroutine: what the last transaction left, and what the next one is making of it.
	checkpoint store.Checkpoint
	message    uint64 // of COMMANDS, wholly decided

	// mu guards what Run writes and others read. It is held for map accesses only, never over I/O.
	mu            sync.RWMutex
	machine       *machine.Machine // written by Run alone, which reads it without the lock
	lastEvents    store.LastEvents // of confirmed events
	unconfirmed   store.LastEvents // of events that are decided and not yet confirmed
	counters      store.Counters   // of committed events
	rate          rateWindow
	pending       []pendingEvent // decided, committed, not confirmed; in order
	waiters       waiters
	committed     store.Checkpoint // mark as of the last commit
	logTime       domain.Time      // of the last decided message
	confirmed     uint64
	confirmations []confirmation // when which number was confirmed, for the outbox

	publishMu   sync.Mutex    // held while events are confirmed and told, so that they are told in order
	changed     chan struct{} // closed and made anew at each commit and each confirmation; guarded by mu
	recent      recentHashes  // guarded by mu
	eventsEnd   atomic.Uint64 // EVENTS is known to reach at least to here
	commandsEnd atomic.Uint64 // COMMANDS is known to reach at least to this message
	eventsFull  atomic.Bool   // EVENTS had no room for the last batch
	startTarget startTarget   // set by Open
	halted      atomic.Pointer[string]
	stop        context.CancelFunc

	beforeCommit func() error // tests only: fails a transaction that has done all its work
}

// startTarget is where the logs ended at start.
type startTarget struct{ sequence, events uint64 }

// pendingEvent is an event that waits for its confirmation.
type pendingEvent struct {
	event  ConfirmedEvent
	record domain.Record
}

// confirmation says that the events up to number were confirmed at the time at.
type confirmation struct {
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
	for _, work := range []func(context.Context) error{p.publish, p.follow, p.tick, p.watchdog, p.decide} {
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
	p.waiters.cancelAll()
	p.notify()
	p.mu.Unlock()
	if p.OnHalt != nil {
		p.OnHalt(reason)
	}
}

// notify wakes everybody who waits for a change. Called with mu held.
func (p *Projector) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// How the projector is, for whoever asks.

// Status is how the projector is.
type Status struct {
	Halted          string // why it stopped deciding; "" while it decides
	CaughtUp        bool   // everything that stood in the logs at start is decided and may be told
	DecidedSequence uint64 // sequence of the last decided command
	Confirmed       uint64 // number of the last event that may be told
	Events          uint64 // number of the last event in the store
	EventsFull      bool   // EVENTS has no room
}

// Status is how the projector is now.
func (p *Projector) Status() Status {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := Status{
		DecidedSequence: p.committed.Sequence, Confirmed: p.confirmed, Events: p.committed.Events, EventsFull: p.eventsFull.Load(),
		CaughtUp: p.caughtUp(),
	}
	if reason := p.halted.Load(); reason != nil {
		s.Halted = *reason
	}
	return s
}

// Confirmed is the number of the last event that may be told.
func (p *Projector) Confirmed() uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.confirmed
}

// Close gives the store back, after Run has returned.
func (p *Projector) Close() error {
	if p.store == nil {
		return nil // its file belongs to another log
	}
	return p.store.Close()
}

func (p *Projector) haltedError() error {
	if reason := p.halted.Load(); reason != nil {
		return fmt.Errorf("%w: %s", ErrHalted, *reason)
	}
	return nil
}

// caughtUp is asked with mu held.
func (p *Projector) caughtUp() bool {
	return p.committed.Sequence >= p.startTarget.sequence && p.confirmed >= p.startTarget.events
}

// WaitCaughtUp waits until everything that stood in the logs at start is decided and may be told.
func (p *Projector) WaitCaughtUp(ctx context.Context) error {
	if err := p.WaitDecided(ctx, p.startTarget.sequence); err != nil {
		return err
	}
	return p.WaitConfirmed(ctx, p.startTarget.events)
}
