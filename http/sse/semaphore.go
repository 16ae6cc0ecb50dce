// The semaphore in front of the log: a limited number of readers, first come, first served.

package sse

import (
	"slices"
	"sync"
)

// fifoSemaphore has a number of free slots. Its zero value has none.
type fifoSemaphore struct {
	mu      sync.Mutex
	free    int
	granted int
	queue   []*waiter
}

// waiter waits for a slot, or has one.
type waiter struct {
	ready     chan struct{} // closed when it is granted
	onGranted func()        // called then, under the semaphore's lock; may be nil
	granted   bool          // under the semaphore's lock
}

// acquire queues a new waiter. It must be released exactly once, granted or not.
func (s *fifoSemaphore) acquire() *waiter {
	w := &waiter{ready: make(chan struct{})}
	s.enqueue(w)
	return w
}

func (s *fifoSemaphore) enqueue(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, w)
	s.grant()
}

// cancel removes w from the queue. If it was granted its holder releases it.
func (s *fifoSemaphore) cancel(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !w.granted {
		s.remove(w)
	}
}

func (s *fifoSemaphore) remove(w *waiter) {
	if i := slices.Index(s.queue, w); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
}

// release gives the slot back, or the place in the queue.
func (s *fifoSemaphore) release(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.granted {
		s.free++
		s.granted--
	} else {
		s.remove(w)
	}
	s.grant()
}

func (s *fifoSemaphore) grant() {
	for s.free > 0 && len(s.queue) > 0 {
		w := s.queue[0]
		s.queue = s.queue[1:]
		s.free--
		s.granted++
		w.granted = true
		close(w.ready)
		if w.onGranted != nil {
			w.onGranted()
		}
	}
}

// isGranted reports whether w has a slot.
func (s *fifoSemaphore) isGranted(w *waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return w.granted
}

// busy reports whether others wait.
func (s *fifoSemaphore) busy() bool {
	_, waiting := s.counts()
	return waiting > 0
}

func (s *fifoSemaphore) counts() (granted, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.granted, len(s.queue)
}
