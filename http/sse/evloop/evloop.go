// Package evloop serves long-lived HTTP connections that mostly wait. An Engine has one loop per processor; a loop owns its
// share of the connections and does everything for them in one goroutine, except for what may block.
//
// The seam is Source, which writes to one connection when the loop calls it. A Source that needs a goroutine for a while (to
// read from a slow store, say) starts it, hands over what it found with Post, and the loop knows nothing of it. Plain HTTP/1.1
// connections are hijacked and belong to a Poller, which only Linux has. All others have a Writer, in the goroutine of their
// net/http handler.
package evloop

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Source is what one connection sends; it embeds the Conn. Its methods are called on the loop of the connection.
type Source interface {
	// Step calls Flush, and if that is true writes what there is, up to a batch, so that other connections have their turn. It
	// is called when the connection is started, its group was woken, it was requeued, a heartbeat or a notice is due or the
	// socket has room again.
	Step()
	// Finish calls CloseWith. It is called at the connection's max age, and instead of the first Step if it was closed before it
	// was started.
	Finish()
	// OnClose is called once, when the connection is closed and its handler returns; err is ErrWriteTimeout if its client read
	// nothing for too long.
	OnClose(err error)
}

// ErrWriteTimeout closes a connection whose socket stayed full for Config.WriteTimeout.
var ErrWriteTimeout = errors.New("write timeout")

// Config configures an Engine.
type Config struct {
	WriteTimeout time.Duration
	Written      *atomic.Uint64 // counts the bytes that sockets have taken
	Poller       Poller         // nil: there is none
}

// Engine is a set of loops.
type Engine struct {
	Config
	loops   []*Loop
	next    atomic.Uint32 // loop
	running sync.WaitGroup
}

// New starts one loop per processor.
func New(c Config) *Engine {
	e := &Engine{Config: c}
	for range runtime.GOMAXPROCS(0) {
		l := &Loop{engine: e, started: time.Now(), wakeup: make(chan struct{}, 1)}
		e.loops = append(e.loops, l)
		e.running.Go(l.run)
	}
	return e
}

// Assign gives a connection its source and a loop, in turn. It has to be opened then, or left to the garbage collector.
func (e *Engine) Assign(c *Conn, s Source) {
	c.source, c.loop = s, e.loops[int(e.next.Add(1))%len(e.loops)]
}

// Stop ends the loops and the poller. All connections must be closed.
func (e *Engine) Stop() {
	for _, l := range e.loops {
		l.Post(func() { l.stopped = true })
	}
	e.running.Wait()
	if e.Poller != nil {
		e.Poller.Close()
	}
}

// Loop serves its connections in one goroutine. It sleeps until a group is woken, a task is posted, a socket is ready or a
// timer is due.
type Loop struct {
	engine  *Engine
	started time.Time
	wakeup  chan struct{} // one slot

	mu    sync.Mutex // guards what other goroutines hand over
	tasks []func()
	woken []*Group

	// Only the loop's goroutine uses these.
	wheel    wheel
	requeued []*Conn
	stopped  bool
}

// Group is connections of one loop that are woken together.
type Group struct {
	loop  *Loop
	conns []*Conn // the loop's own
	woken bool    // it is in loop.woken; guarded by the loop's mutex
}

// NewGroup is an empty group.
func (l *Loop) NewGroup() *Group { return &Group{loop: l} }

// Loop is the loop of the group's connections.
func (g *Group) Loop() *Loop { return g.loop }

// Empty reports whether the group has no connection. Only its loop may ask.
func (g *Group) Empty() bool { return len(g.conns) == 0 }

// Wake makes the loop call Step of every connection in the group. It costs the same for one connection and for thousands.
func (g *Group) Wake() {
	l := g.loop
	l.mu.Lock()
	if !g.woken {
		g.woken = true
		l.woken = append(l.woken, g)
	}
	l.mu.Unlock()
	signal(l.wakeup)
}

func (g *Group) add(c *Conn) {
	c.group, c.index = g, int32(len(g.conns))
	g.conns = append(g.conns, c)
}

// remove puts the last connection into the place of c.
func (g *Group) remove(c *Conn) {
	last := g.conns[len(g.conns)-1]
	g.conns[c.index], last.index = last, c.index
	g.conns[len(g.conns)-1] = nil
	g.conns = g.conns[:len(g.conns)-1]
}

// Post makes the loop call task. Tasks run in the order in which they were posted.
func (l *Loop) Post(task func()) {
	l.mu.Lock()
	l.tasks = append(l.tasks, task)
	l.mu.Unlock()
	signal(l.wakeup)
}

// signal never waits. A signal that was not received yet stands for all.
func signal(wakeup chan struct{}) {
	select {
	case wakeup <- struct{}{}:
	default:
	}
}

func (l *Loop) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var tasks []func()
	var woken []*Group
	var requeued []*Conn
	for !l.stopped {
		l.mu.Lock()
		tasks, l.tasks = l.tasks, tasks[:0]
		woken, l.woken = l.woken, woken[:0]
		for _, g := range woken {
			g.woken = false // before its connections step: what comes from here on wakes it again
		}
		l.mu.Unlock()
		for _, task := range tasks {
			task()
		}
		for _, g := range woken {
			for _, c := range slices.Backward(g.conns) { // one that closes gives its place to one that had its step
				c.source.Step()
			}
		}
		requeued, l.requeued = l.requeued, requeued[:0]
		for _, c := range requeued {
			c.requeued = false
			c.source.Step()
		}
		clear(tasks)
		clear(woken)
		clear(requeued)
		l.wheel.advance(l.now(), (*Conn).onTimer)
		if len(l.requeued) == 0 && !l.stopped {
			l.sleep(timer)
		}
	}
}

func (l *Loop) sleep(timer *time.Timer) {
	wait := time.Hour
	if at, ok := l.wheel.nextDue(); ok {
		wait = time.Until(l.started.Add(time.Duration(at) * tick))
	}
	timer.Reset(wait)
	select {
	case <-l.wakeup:
	case <-timer.C:
	}
}

// now is the time in ticks since the loop was started.
func (l *Loop) now() uint32 { return uint32(time.Since(l.started) / tick) }

// tickAfter is the first tick that is not before d has passed.
func (l *Loop) tickAfter(d time.Duration) uint32 {
	return uint32((time.Since(l.started) + d + tick - 1) / tick)
}
