// The line before the log: so many readers at once, the others first come, first served.
package stream

import (
	"slices"
	"sync"
)

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
	called func()        // and this is called then, under the line's lock; it may be nil
	inside bool          // under the line's lock
}

// enter takes a place. Its holder leaves exactly once, come its turn or not.
func (l *line) enter() *ticket {
	t := &ticket{turn: make(chan struct{})}
	l.join(t)
	return t
}

func (l *line) join(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, t)
	l.call()
}

// quit gives a place back that nobody was called to yet; whoever was called leaves by itself.
func (l *line) quit(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !t.inside {
		l.drop(t)
	}
}

func (l *line) drop(t *ticket) {
	if i := slices.Index(l.waiting, t); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
}

// leave gives the place back.
func (l *line) leave(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.inside {
		l.free++
		l.inside--
	} else {
		l.drop(t)
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
		if t.called != nil {
			t.called()
		}
	}
}

// busy says that somebody waits.
func (l *line) busy() bool {
	_, waiting := l.length()
	return waiting > 0
}

// length is how many are inside, and how many wait.
func (l *line) length() (inside, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inside, len(l.waiting)
}
