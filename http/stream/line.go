// The line before the log: so many readers at once, the others first come, first served.
package stream

import "sync"

// line is where readers wait for their turn. The zero value lets nobody in.
type line struct {
	mu      sync.Mutex
	free    int
	inside  int
	waiting []*ticket
}

// ticket is one place in it.
type ticket struct {
	turn   chan struct{} // closed when it is
	inside bool          // under the line's lock
}

// enter takes a place. Its holder leaves exactly once, come its turn or not.
func (l *line) enter() *ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &ticket{turn: make(chan struct{})}
	l.waiting = append(l.waiting, t)
	l.call()
	return t
}

// leave gives the place back.
func (l *line) leave(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.inside {
		l.free++
		l.inside--
	} else {
		for i, other := range l.waiting {
			if other == t {
				l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
				break
			}
		}
	}
	l.call()
}

// call lets in whom there is room for.
func (l *line) call() {
	for l.free > 0 && len(l.waiting) > 0 {
		t := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.free--
		l.inside++
		t.inside = true
		close(t.turn)
	}
}

// length is how many are inside, and how many wait.
func (l *line) length() (inside, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inside, len(l.waiting)
}
