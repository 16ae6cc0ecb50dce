// The engine: HTTP/1.1 streams without a goroutine each. It takes connections over from net/http once the verdict is
// known, and shares them out to as many loops as there are processors. Where it cannot (another system, TLS, HTTP/2) the
// ordinary handler serves the same cursors.

package sse

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

type engine struct {
	startOnce sync.Once // start
	stopOnce  sync.Once // stop
	poller    poller    // nil: there is none here
	loops     []*loop

	mu   sync.Mutex
	next int
}

// startEngine makes the engine when the first stream comes.
func (h *Hub) startEngine() *engine {
	e := &h.engine
	e.startOnce.Do(func() {
		if !h.Engine {
			return
		}
		create := newPoller
		if h.newPoller != nil {
			create = h.newPoller
		}
		p, err := create(h)
		if err != nil {
			if !errors.Is(err, errors.ErrUnsupported) {
				h.Log.Warn("each stream gets a goroutine", "error", err)
			}
			return
		}
		e.poller = p
		for range runtime.GOMAXPROCS(0) {
			l := newLoop(h, p)
			e.loops = append(e.loops, l)
			h.background.Go(l.run)
		}
	})
	return e
}

// nextLoop is whose turn it is to take one more.
func (e *engine) nextLoop() *loop {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next++
	return e.loops[e.next%len(e.loops)]
}

// stop ends the loops, when all their sockets are closed, and then the poller.
func (e *engine) stop() {
	e.startOnce.Do(func() {}) // one that was not started never will be
	e.stopOnce.Do(func() {
		var ended sync.WaitGroup
		for _, l := range e.loops {
			ended.Add(1)
			l.post(func() {
				l.stopped = true
				ended.Done()
			})
		}
		ended.Wait()
		if e.poller != nil {
			e.poller.close()
		}
	})
}

// A loop serves its share of the sockets with one goroutine: it sleeps until their topics have news, one of them can be
// written again, or something is due. Whatever others want of a socket is done here, in the order in which they asked.

type loop struct {
	hub     *Hub
	poller  poller
	started time.Time
	wake    chan struct{} // one slot

	mu    sync.Mutex // guards what others hand over; held for a few steps
	tasks []func()
	dirty []*loopSubscribers

	// The loop's own.
	wheel    wheel
	requeued []*socket // they have more to write
	out      []byte    // where batches are gathered
	stopped  bool
}

// loopSubscribers is the sockets of one topic on one loop.
type loopSubscribers struct {
	loop    *loop
	sockets []*socket // the loop's own
	dirty   bool      // in loop.stirred; under the loop's lock
}

func newLoop(h *Hub, p poller) *loop {
	return &loop{hub: h, poller: p, started: time.Now(), wake: make(chan struct{}, 1), out: make([]byte, 0, batchSize+4<<10)}
}

// post hands over something to do.
func (l *loop) post(task func()) {
	l.mu.Lock()
	l.tasks = append(l.tasks, task)
	l.mu.Unlock()
	l.signal()
}

// notify says that a topic has news. It costs the teller the same for one socket and for thousands.
func (l *loop) notify(c *loopSubscribers) {
	l.mu.Lock()
	if !c.dirty {
		c.dirty = true
		l.dirty = append(l.dirty, c)
	}
	l.mu.Unlock()
	l.signal()
}

// onReady is how the poller says what happened to a socket.
func (l *loop) onReady(s *socket, events ready) { l.post(func() { s.onReady(events) }) }

func (l *loop) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *loop) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var tasks []func()
	var dirty []*loopSubscribers
	var requeued []*socket
	for !l.stopped {
		l.mu.Lock()
		tasks, l.tasks = l.tasks, tasks[:0]
		dirty, l.dirty = l.dirty, dirty[:0]
		for _, c := range dirty {
			c.dirty = false // before it is looked at: what comes from here on stirs it again
		}
		l.mu.Unlock()
		for _, task := range tasks {
			task()
		}
		for _, c := range dirty {
			for _, s := range slices.Backward(c.sockets) { // one that is closed leaves its place to one that had its turn
				s.step()
			}
		}
		requeued, l.requeued = l.requeued, requeued[:0]
		for _, s := range requeued {
			s.requeued = false
			s.step()
		}
		clear(tasks)
		clear(dirty)
		clear(requeued)
		l.wheel.advance(l.now(), (*socket).onTimer)
		if len(l.requeued) == 0 && !l.stopped {
			l.sleep(timer)
		}
	}
}

func (l *loop) sleep(timer *time.Timer) {
	wait := time.Hour
	if at, some := l.wheel.nextDue(); some {
		wait = time.Until(l.started.Add(time.Duration(at) * tick))
	}
	timer.Reset(wait)
	select {
	case <-l.wake:
	case <-timer.C:
	}
}

// now is the time in ticks that have passed.
func (l *loop) now() uint32 { return uint32(time.Since(l.started) / tick) }

// tickAfter is the first tick that is not before d has passed.
func (l *loop) tickAfter(d time.Duration) uint32 {
	return uint32((time.Since(l.started) + d + tick - 1) / tick)
}
