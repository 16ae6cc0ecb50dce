// The line before the log: so many readers at once, the others first come, first served.

package sse

import (
	"slices"
	"sync"
)

// fifoSemaphore is where readers wait for their turn. The zero value lets nobody in.
type fifoSemaphore struct {
	mu      sync.Mutex
	free    int
	granted int
	waiting []*waiter
}

// waiter is one place in it.
type waiter struct {
	ready     chan struct{} // closed when it is
	onGranted func()        // and this is called then, under the line's lock; it may be nil
	granted   bool          // under the line's lock
}

// acquire takes a place. Its holder leaves exactly once, come its turn or not.
func (l *fifoSemaphore) acquire() *waiter {
	w := &waiter{ready: make(chan struct{})}
	l.enqueue(w)
	return w
}

func (l *fifoSemaphore) enqueue(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, w)
	l.grant()
}

// cancel gives a place back that nobody was called to yet; whoever was called leaves by itself.
func (l *fifoSemaphore) cancel(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !w.granted {
		l.remove(w)
	}
}

func (l *fifoSemaphore) remove(w *waiter) {
	if i := slices.Index(l.waiting, w); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
}

// release gives the place back.
func (l *fifoSemaphore) release(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.granted {
		l.free++
		l.granted--
	} else {
		l.remove(w)
	}
	l.grant()
}

// grant lets in whom there is room for.
func (l *fifoSemaphore) grant() {
	for l.free > 0 && len(l.waiting) > 0 {
		w := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.free--
		l.granted++
		w.granted = true
		close(w.ready)
		if w.onGranted != nil {
			w.onGranted()
		}
	}
}

// busy says that somebody waits.
func (l *fifoSemaphore) busy() bool {
	_, waiting := l.counts()
	return waiting > 0
}

// counts is how many are inside, and how many wait.
func (l *fifoSemaphore) counts() (granted, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.granted, len(l.waiting)
}
