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
	onGranted func() // called under the semaphore's lock
	granted   bool   // under the semaphore's lock
}

// enqueue queues a new waiter. If it is granted a slot, that must be released once.
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
	if i := slices.Index(s.queue, w); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
}

// release gives a granted slot back.
func (s *fifoSemaphore) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	s.granted--
	s.grant()
}

func (s *fifoSemaphore) grant() {
	for s.free > 0 && len(s.queue) > 0 {
		w := s.queue[0]
		s.queue = s.queue[1:]
		s.free--
		s.granted++
		w.granted = true
		w.onGranted()
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
