// The engine: HTTP/1.1 streams without a goroutine each. It takes connections over from net/http once the verdict is
// known, and shares them out to as many loops as there are processors. Where it cannot (another system, TLS, HTTP/2) the
// ordinary handler serves the same cursors.
package stream

import (
	"errors"
	"runtime"
	"sync"
)

type engine struct {
	once   sync.Once // start
	over   sync.Once // stop
	poller poller    // nil: there is none here
	loops  []*loop

	mu   sync.Mutex
	next int
}

// start makes the engine when the first stream comes.
func (h *Hub) start() *engine {
	e := &h.engine
	e.once.Do(func() {
		if !h.Engine {
			return
		}
		make := newPoller
		if h.poller != nil {
			make = h.poller
		}
		p, err := make(h)
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
			h.remote.Go(l.run)
		}
	})
	return e
}

// loop is whose turn it is to take one more.
func (e *engine) loop() *loop {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next++
	return e.loops[e.next%len(e.loops)]
}

// stop ends the loops, when all their sockets are closed, and then the poller.
func (e *engine) stop() {
	e.once.Do(func() {}) // one that was not started never will be
	e.over.Do(func() {
		var ended sync.WaitGroup
		for _, l := range e.loops {
			ended.Add(1)
			l.post(func() {
				l.over = true
				ended.Done()
			})
		}
		ended.Wait()
		if e.poller != nil {
			e.poller.close()
		}
	})
}
