// What the projector says to the hub: first the newest events of the log, then every event as it is confirmed.
package stream

import (
	"onsale/projections"
)

// Fill puts the newest events of the log into the ring, before the first connection.
func (h *Hub) Fill(events []projections.Told) {
	if len(events) == 0 {
		return
	}
	h.mu.Lock()
	head := h.ring.head
	h.ring.restart(events[0].Number - 1)
	h.mu.Unlock()
	h.Tell(events)
	h.mu.Lock()
	defer h.mu.Unlock()
	if head > h.ring.head {
		h.ring.restart(head)
	}
}

// Tell is called with every event that is confirmed and in this node's store, in the order of their numbers. It waits for
// no reader. What was told before is passed over; where something was left out, the ring begins anew behind the hole, and
// readers find what is in it in the log.
func (h *Hub) Tell(events []projections.Told) {
	var stirred []*topic
	var hole uint64
	h.mu.Lock()
	for _, told := range events {
		if h.halted || told.Number <= h.ring.head {
			continue
		}
		if told.Number > h.ring.head+1 {
			h.ring.restart(told.Number - 1)
			hole = told.Number
			for _, b := range h.boards {
				h.mark(b)
			}
		}
		keys := keysOf(&told.Event)
		e := h.ring.push(told, keys)
		if b := h.boards[keys[OfPromotion]]; b != nil {
			h.mark(b)
		}
		for kind, t := range e.topics {
			if t == nil || t.guests == 0 || t.stirred || Kind(kind) == OfSchedule && !shows(&e.event) {
				continue
			}
			t.stirred = true
			stirred = append(stirred, t)
		}
	}
	for a := range h.ahead {
		if a.number <= h.ring.head {
			close(a.reached)
			delete(h.ahead, a)
		}
	}
	for _, t := range stirred {
		t.stirred = false
	}
	h.mu.Unlock()

	if hole != 0 {
		h.Log.Warn("events were not told; the ring begins anew", "with", hole)
	}
	h.mu.RLock() // woken readers find the lock free to read
	defer h.mu.RUnlock()
	if hole != 0 {
		for g := range h.conns {
			g.at().topic.wake()
		}
		return
	}
	for _, t := range stirred {
		t.wake()
	}
}

// head is the number of the last event that was told.
func (h *Hub) head() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.ring.head
}
