// A loop serves its share of the sockets with one goroutine: it sleeps until their topics have news, one of them can be
// written again, or something is due. Whatever others want of a socket is done here, in the order in which they asked.
package stream

import (
	"slices"
	"sync"
	"time"
)

type loop struct {
	hub    *Hub
	poller poller
	began  time.Time
	bell   chan struct{} // one slot

	mu      sync.Mutex // guards what others hand over; held for a few steps
	tasks   []func()
	stirred []*crowd

	// The loop's own.
	wheel wheel
	again []*socket // they have more to write
	out   []byte    // where batches are gathered
	over  bool
}

// crowd is the sockets of one topic on one loop.
type crowd struct {
	loop    *loop
	sockets []*socket // the loop's own
	stirred bool      // in loop.stirred; under the loop's lock
}

func newLoop(h *Hub, p poller) *loop {
	return &loop{hub: h, poller: p, began: time.Now(), bell: make(chan struct{}, 1), out: make([]byte, 0, batch+4<<10)}
}

// post hands over something to do.
func (l *loop) post(task func()) {
	l.mu.Lock()
	l.tasks = append(l.tasks, task)
	l.mu.Unlock()
	l.ring()
}

// stir says that a topic has news. It costs the teller the same for one socket and for thousands.
func (l *loop) stir(c *crowd) {
	l.mu.Lock()
	if !c.stirred {
		c.stirred = true
		l.stirred = append(l.stirred, c)
	}
	l.mu.Unlock()
	l.ring()
}

// notice is how the poller says what happened to a socket.
func (l *loop) notice(s *socket, what ready) { l.post(func() { s.ready(what) }) }

func (l *loop) ring() {
	select {
	case l.bell <- struct{}{}:
	default:
	}
}

func (l *loop) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var tasks []func()
	var stirred []*crowd
	var again []*socket
	for !l.over {
		l.mu.Lock()
		tasks, l.tasks = l.tasks, tasks[:0]
		stirred, l.stirred = l.stirred, stirred[:0]
		for _, c := range stirred {
			c.stirred = false // before it is looked at: what comes from here on stirs it again
		}
		l.mu.Unlock()
		for _, task := range tasks {
			task()
		}
		for _, c := range stirred {
			for _, s := range slices.Backward(c.sockets) { // one that is closed leaves its place to one that had its turn
				s.turn()
			}
		}
		again, l.again = l.again, again[:0]
		for _, s := range again {
			s.again = false
			s.turn()
		}
		clear(tasks)
		clear(stirred)
		clear(again)
		l.wheel.advance(l.now(), (*socket).due)
		if len(l.again) == 0 && !l.over {
			l.sleep(timer)
		}
	}
}

func (l *loop) sleep(timer *time.Timer) {
	wait := time.Hour
	if at, some := l.wheel.next(); some {
		wait = time.Until(l.began.Add(time.Duration(at) * tick))
	}
	timer.Reset(wait)
	select {
	case <-l.bell:
	case <-timer.C:
	}
}

// now is the time in ticks that have passed.
func (l *loop) now() uint32 { return uint32(time.Since(l.began) / tick) }

// in is the first tick that is not before d has passed.
func (l *loop) in(d time.Duration) uint32 { return uint32((time.Since(l.began) + d + tick - 1) / tick) }
