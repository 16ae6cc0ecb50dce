// Package projections decides commands. The projector reads COMMANDS in order, executes each command on the state machine,
// commits the resulting events to the read store (package store), appends them to EVENTS, and, once EVENTS has them, confirms
// them to waiting requests, queries and event streams. DESIGN.md describes the steps and what a crash between them means.
package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"onsale/domain"
	"onsale/domain/machine"
	"onsale/projections/store"
)

// Config configures a projector.
type Config struct {
	Path string // of the read store
	// Reading has begun to read the file at Path. nil: Open reads it.
	Reading *store.Reading
	Log     Log
	// ConsumeCommands reads COMMANDS from a message on until ctx ends, with the node's durable consumer.
	ConsumeCommands func(ctx context.Context, from uint64) (CommandConsumer, error)
	Epoch           string // of the log
	// OnDecided is called for each event of a transaction that began at started, once that is committed. Optional.
	OnDecided func(e *domain.Event, started time.Time)
	// OnConfirmed is called with confirmed events in the order of their numbers, without gaps. It must not block on a reader.
	OnConfirmed func([]ConfirmedEvent)
	// OnHalt is called when the node halts. A halt that is not final ends with OnResume, if the log proves whole.
	OnHalt   func(reason string, final bool)
	OnResume func()
	// OutboxRetention is how long an event stays in the outbox after its confirmation, until EVENTS is certainly on disk: at least
	// twice the log's sync interval.
	OutboxRetention time.Duration
	// Watch runs beside the projector until ctx ends. Its error halts the node. Optional.
	Watch func(context.Context) error
	// EventsDurable says that an event that EVENTS acknowledges survives a power loss of this machine: sync is always.
	EventsDurable bool
	Logger        *slog.Logger

	doubt doubtTimes // tests only
}

// ConfirmedEvent is an event that EVENTS has, with the numbers of the event before it for the same user and the same entity.
type ConfirmedEvent struct {
	domain.Event
	store.Links
}

// Log is COMMANDS and EVENTS as one node uses them.
type Log interface {
	// State is the state of both logs as their leaders report it.
	State(context.Context) (domain.LogState, error)
	// Embedded says that only this process writes to the logs.
	Embedded() bool

	// Append appends a command and returns its sequence.
	Append(context.Context, domain.Command) (sequence uint64, err error)
	// AppendNoops appends no-ops to COMMANDS until upTo is its last message.
	AppendNoops(ctx context.Context, upTo uint64) error

	// AppendEvents appends records to EVENTS, each only at its own number. nil: EVENTS has all of them. domain.ErrFenced: EVENTS
	// does not end where they begin. domain.ErrNoAck: EVENTS has some, all or none. domain.ErrFull: there was no room for some.
	AppendEvents(context.Context, []domain.Record) error
	store.EventLog
	// EventHashes is Events without payloads.
	EventHashes(ctx context.Context, from uint64) iter.Seq2[domain.Record, error]

	EncodeEvent(previous domain.Hash, e domain.Event) (domain.Record, error)
}

// CommandConsumer delivers the messages of COMMANDS in order. A message may be delivered again; none is skipped silently.
type CommandConsumer interface {
	// Batches is closed when the consumer has ended.
	Batches() <-chan domain.Batch
	// Err is the reason, once Batches is closed.
	Err() error
	// Ack says that everything up to this message is decided and committed. Only monitoring of the consumer depends on it.
	Ack(message uint64)
}

// Projector decides commands and owns the read store.
type Projector struct {
	Config
	store.Exporter
	store *store.Store

	// Owned by the goroutine that decides: what the last transaction left, for the next one.
	checkpoint store.Checkpoint
	message    uint64 // last message of COMMANDS that is decided completely

	// mu guards what that goroutine writes and others read. It is held for map accesses only, never during I/O.
	mu            sync.RWMutex
	machine       *machine.Machine     // written by the goroutine that decides, which reads it without the lock
	lastEvents    *store.LastEvents    // of confirmed events
	unconfirmed   map[store.Key]uint64 // the last event of each user and entity that is decided and not confirmed
	counters      store.Counters       // of committed events
	rate          rateWindow
	pending       []pendingEvent // committed and not confirmed, in order
	waiters       waiters
	committed     store.Checkpoint // of the last commit
	logTime       domain.Time      // of the last decided message
	confirmed     uint64
	confirmations []confirmation          // when events were confirmed, for trimming the outbox
	conditions    map[*condition]struct{} // that goroutines wait for; see waitUntil
	recent        recentHashes
	barriers      barriers

	publishMu   sync.Mutex                   // held from the confirmation of events until OnConfirmed returns, which keeps their order
	eventsEnd   atomic.Uint64                // EVENTS has at least this event
	commandsEnd atomic.Uint64                // COMMANDS has at least this message
	eventsFull  atomic.Bool                  // EVENTS had no room for the last batch
	startTarget store.Checkpoint             // where the logs ended at start: Sequence and Events
	soldOut     atomic.Pointer[soldOutTable] // written with mu held
	endUnknown  bool                         // on a cluster, until a barrier: the logs may end later than startTarget. Guarded by mu
	halted      atomic.Pointer[haltState]
	doubtShown  atomic.Pointer[string] // what a server says of the log that would halt this node; nil: nothing
	stop        context.CancelFunc     // guarded by mu; nil before Run
	failed      chan error

	publishedBefore uint64      // last event that earlier runs have published
	noted           atomic.Bool // the note beside the store is about this run
	metrics         metrics

	beforeCommit func() error // tests only: fails a transaction that has done all its work
}

// pendingEvent waits for its confirmation.
type pendingEvent struct {
	event  ConfirmedEvent
	keys   store.Keys
	record domain.Record
}

// confirmation says that the events up to number were confirmed at the time at.
type confirmation struct {
	number uint64
	at     time.Time
}

// ErrHalted is returned to all waiters and queries once the projector has halted.
var ErrHalted = errors.New("halted")

// Run decides until ctx ends. It returns nil then and after a final halt, since a halted node stays up to report the reason.
// A halt by what the servers of a cluster say of the log ends when the log proves whole: then Run goes on where it was.
func (p *Projector) Run(ctx context.Context) error {
	for !p.haltedFinally() {
		p.runOnce(ctx)
		if ctx.Err() != nil || p.haltedFinally() || p.waitWhole(ctx) != nil {
			break
		}
		p.resume()
	}
	return nil
}

// runOnce decides until ctx ends or the node halts. Besides the goroutine that decides, others publish, follow EVENTS, tick and
// watch the logs; an inconsistency in any of them halts the node.
func (p *Projector) runOnce(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p.mu.Lock()
	p.stop = stop
	p.mu.Unlock()
	if p.halted.Load() != nil { // before there was anything to stop
		return
	}
	var group sync.WaitGroup
	for _, work := range []func(context.Context) error{
		p.publish, p.follow, p.tick, p.watchdog, p.catchUp, p.noteWhenPublished, p.decide,
	} {
		group.Go(func() {
			if err := work(ctx); err != nil && ctx.Err() == nil {
				p.halt(err)
			}
		})
	}
	if p.Watch != nil {
		group.Go(func() {
			if err := p.Watch(ctx); err != nil && ctx.Err() == nil {
				p.halt(err)
			}
		})
	}
	group.Wait()
}

// haltState is why the node has halted.
type haltState struct {
	reason string
	final  bool
}

// halt stops all goroutines of runOnce. The first reason is kept.
func (p *Projector) halt(err error) {
	h := haltState{err.Error(), p.Log.Embedded() || !isDoubtful(err)}
	if !p.halted.CompareAndSwap(nil, &h) {
		return
	}
	p.Logger.Error("halted", "reason", h.reason, "final", h.final)
	p.mu.Lock()
	if p.stop != nil {
		p.stop()
	}
	p.waiters.cancelAll()
	p.notify()
	p.mu.Unlock()
	if p.OnHalt != nil {
		p.OnHalt(h.reason, h.final)
	}
}

func (p *Projector) haltedFinally() bool {
	h := p.halted.Load()
	return h != nil && h.final
}

// resume ends a halt. The node is ready again when it has caught up with what others did meanwhile.
func (p *Projector) resume() {
	p.mu.Lock()
	p.endUnknown = true
	p.halted.Store(nil)
	p.notify()
	p.mu.Unlock()
	p.doubtShown.Store(nil)
	p.Logger.Info("the logs are whole: no longer halted")
	if p.OnResume != nil {
		p.OnResume()
	}
}

// storeDamaged stops everything: nothing is answered from damaged bytes, and the next start rebuilds the store.
func (p *Projector) storeDamaged(err error) {
	p.halt(err)
	select {
	case p.failed <- err:
	default: // one reason is enough
	}
}

// Failed delivers why the process must end: the store was damaged while it was in use. The next start verifies and rebuilds it.
func (p *Projector) Failed() <-chan error { return p.failed }

// condition is what a goroutine waits for.
type condition struct {
	ready func() bool
	met   chan struct{} // closed when it is met, or the node has halted
}

// notify wakes those whose condition is met: each commit and each confirmation calls it, and to wake a goroutine that finds nothing to do
// costs as much as a decision. Called with mu held.
func (p *Projector) notify() {
	halted := p.halted.Load() != nil
	for c := range p.conditions {
		if c.ready() || halted {
			delete(p.conditions, c)
			close(c.met)
		}
	}
}

// waitUntil calls ready, with mu held, now and after each change until it returns true. It must be quick. The error is ctx's or
// ErrHalted.
func (p *Projector) waitUntil(ctx context.Context, ready func() bool) error {
	for {
		p.mu.Lock()
		if ready() {
			p.mu.Unlock()
			return nil
		}
		if err := p.haltedError(); err != nil {
			p.mu.Unlock()
			return err
		}
		c := &condition{ready: ready, met: make(chan struct{})}
		p.conditions[c] = struct{}{}
		p.mu.Unlock()
		select {
		case <-c.met: // and perhaps not any more
		case <-ctx.Done():
			p.mu.Lock()
			delete(p.conditions, c)
			p.mu.Unlock()
			return ctx.Err()
		}
	}
}

// Status is the projector's state.
type Status struct {
	Halted            string // why it halted; "" while it decides
	Doubt             string // what a server says of the log that will halt this node if it stays so; "": nothing
	CaughtUp          bool   // everything that was in the logs at start is decided and confirmed
	DecidedSequence   uint64 // of the last decided command
	Confirmed         uint64 // number of the last confirmed event
	ConfirmedSequence uint64 // up to it every command is decided, and all its events are confirmed
	Events            uint64 // number of the last event in the store
	EventsFull        bool   // EVENTS has no room
	LogTime           domain.Time
}

// Status returns the present state.
func (p *Projector) Status() Status {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := Status{
		DecidedSequence: p.committed.Sequence, ConfirmedSequence: p.committed.Sequence, Confirmed: p.confirmed, Events: p.committed.Events, EventsFull: p.eventsFull.Load(), LogTime: p.committed.Now,
		CaughtUp: p.caughtUp(),
	}
	if len(p.pending) > 0 {
		s.ConfirmedSequence = p.pending[0].event.Sequence - 1
	}
	if h := p.halted.Load(); h != nil {
		s.Halted = h.reason
	}
	if doubt := p.doubtShown.Load(); doubt != nil {
		s.Doubt = *doubt
	}
	return s
}

// Confirmed is the number of the last confirmed event.
func (p *Projector) Confirmed() uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.confirmed
}

func (p *Projector) haltedError() error {
	if h := p.halted.Load(); h != nil {
		return fmt.Errorf("%w: %s", ErrHalted, h.reason)
	}
	return nil
}

// WaitCaughtUp waits until everything that was in the logs at start is decided and confirmed.
func (p *Projector) WaitCaughtUp(ctx context.Context) error { return p.waitUntil(ctx, p.caughtUp) }

// caughtUp is called with mu held.
func (p *Projector) caughtUp() bool {
	return !p.endUnknown && p.committed.Sequence >= p.startTarget.Sequence && p.confirmed >= p.startTarget.Events
}

// catchUp finds out, on a cluster, when everything that was in the logs at start, or at the end of a halt, is decided: the end that one
// server reported may have been an old one.
func (p *Projector) catchUp(ctx context.Context) error {
	for p.isEndUnknown() {
		err := p.Barrier(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			p.Logger.Warn("cannot find out where COMMANDS ends, asking again", "error", err)
			if sleep(ctx, time.Second) != nil {
				return nil
			}
			continue
		}
		p.mu.Lock()
		p.endUnknown = false
		p.notify()
		p.mu.Unlock()
	}
	return nil
}

func (p *Projector) isEndUnknown() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.endUnknown
}
