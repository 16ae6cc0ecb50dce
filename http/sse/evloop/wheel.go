// The timer wheel of a loop. A connection is in one slot, that of the first thing that is due for it. When the hand passes,
// it is looked at and put where the next thing is due; so ten thousand connections need one timer.

package evloop

import "time"

const (
	tick       = 50 * time.Millisecond // the precision of all timers
	wheelSlots = 1024                  // what is due later is looked at once per round
)

// wheel belongs to one goroutine. Its times are ticks.
type wheel struct {
	slots [wheelSlots]*Conn
	hand  uint32 // everything up to here has been looked at
}

// slot is a connection's place in the wheel.
type slot struct {
	next, prev *Conn
	number     int16 // from 1; 0: it is in none
}

// add makes advance visit c at that tick, or earlier.
func (w *wheel) add(c *Conn, at uint32) {
	w.remove(c)
	at = min(max(at, w.hand+1), w.hand+wheelSlots-1)
	head := &w.slots[at%wheelSlots]
	c.slot = slot{next: *head, number: int16(at%wheelSlots) + 1}
	if c.slot.next != nil {
		c.slot.next.slot.prev = c
	}
	*head = c
}

func (w *wheel) remove(c *Conn) {
	if c.slot.number == 0 {
		return
	}
	if c.slot.prev != nil {
		c.slot.prev.slot.next = c.slot.next
	} else {
		w.slots[c.slot.number-1] = c.slot.next
	}
	if c.slot.next != nil {
		c.slot.next.slot.prev = c.slot.prev
	}
	c.slot = slot{}
}

// advance moves the hand and visits what it passes. That is out of the wheel unless visit adds it again.
func (w *wheel) advance(to uint32, visit func(*Conn)) {
	for w.hand < to {
		if to-w.hand > wheelSlots {
			w.hand = to - wheelSlots // a whole round visits all
		}
		w.hand++
		for c := w.slots[w.hand%wheelSlots]; c != nil; c = w.slots[w.hand%wheelSlots] {
			w.remove(c)
			visit(c)
		}
	}
}

// nextDue is the next tick with a connection in its slot.
func (w *wheel) nextDue() (uint32, bool) {
	for at := w.hand + 1; at < w.hand+wheelSlots; at++ {
		if w.slots[at%wheelSlots] != nil {
			return at, true
		}
	}
	return 0, false
}
