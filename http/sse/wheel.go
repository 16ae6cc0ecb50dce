// The timer wheel of a loop. A socket stands in one slot: that of the first thing which may become due for it. When the
// hand comes by, it is looked at, and put where the next thing is; so ten thousand timers cost one.

package sse

import "time"

const (
	tick       = 50 * time.Millisecond // nothing is due sooner, or more exactly
	wheelSlots = 1024                  // slots: what is further away than they reach is looked at in between
)

// wheel belongs to one goroutine. Its time is counted in ticks.
type wheel struct {
	slots [wheelSlots]*socket
	hand  uint32 // everything up to here has been looked at
}

// slot is a socket's place in the wheel.
type slot struct {
	next, prev *socket
	number     int16 // from 1; 0: it stands nowhere
}

// add makes the socket be looked at when it is at, or earlier.
func (w *wheel) add(s *socket, at uint32) {
	w.remove(s)
	at = min(max(at, w.hand+1), w.hand+wheelSlots-1)
	head := &w.slots[at%wheelSlots]
	s.slot = slot{next: *head, number: int16(at%wheelSlots) + 1}
	if s.slot.next != nil {
		s.slot.next.slot.prev = s
	}
	*head = s
}

// remove removes it.
func (w *wheel) remove(s *socket) {
	if s.slot.number == 0 {
		return
	}
	if s.slot.prev != nil {
		s.slot.prev.slot.next = s.slot.next
	} else {
		w.slots[s.slot.number-1] = s.slot.next
	}
	if s.slot.next != nil {
		s.slot.next.slot.prev = s.slot.prev
	}
	s.slot = slot{}
}

// advance moves the hand and looks at all that it passes. Those are out of the wheel until look puts them back.
func (w *wheel) advance(to uint32, visit func(*socket)) {
	for w.hand < to {
		if to-w.hand > wheelSlots {
			w.hand = to - wheelSlots // a whole round sees them all
		}
		w.hand++
		for s := w.slots[w.hand%wheelSlots]; s != nil; s = w.slots[w.hand%wheelSlots] {
			w.remove(s)
			visit(s)
		}
	}
}

// nextDue is when something may be due.
func (w *wheel) nextDue() (uint32, bool) {
	for at := w.hand + 1; at < w.hand+wheelSlots; at++ {
		if w.slots[at%wheelSlots] != nil {
			return at, true
		}
	}
	return 0, false
}
