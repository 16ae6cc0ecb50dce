// What the projector says to the hub: first the newest events of the log, then every event as it is confirmed.
package stream

import (
	"onsale/domain"
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
		}
		e := h.ring.push(told)
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

// shows says that watchers of a schedule see something of e. A rush of refusals need not wake them.
func shows(e *domain.Event) bool {
	_, ids := changed(e)
	return len(ids) > 0
}

// head is the number of the last event that was told.
func (h *Hub) head() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.ring.head
}
