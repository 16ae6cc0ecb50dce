// What the projector says to the hub: first the newest events of the log, then every event as it is confirmed.

package sse

import (
	"onsale/http/view"
	"onsale/projections"
)

// Preload puts the newest events of the log into the ring, before the first connection.
func (h *Hub) Preload(events []projections.ConfirmedEvent) {
	if len(events) == 0 {
		return
	}
	h.mu.Lock()
	head := h.ring.head
	h.ring.restart(events[0].Number - 1)
	h.mu.Unlock()
	h.Publish(events)
	h.mu.Lock()
	defer h.mu.Unlock()
	if head > h.ring.head {
		h.ring.restart(head)
	}
}

// Publish is called with every event that is confirmed and in this node's store, in the order of their numbers. It waits for
// no reader. What was told before is passed over; where something was left out, the ring begins anew behind the hole, and
// readers find what is in it in the log.
func (h *Hub) Publish(events []projections.ConfirmedEvent) {
	var dirty []*topicState
	var gap uint64
	h.mu.Lock()
	for _, confirmed := range events {
		if h.halted || confirmed.Number <= h.ring.head {
			continue
		}
		if confirmed.Number > h.ring.head+1 {
			h.ring.restart(confirmed.Number - 1)
			gap = confirmed.Number
			for _, feed := range h.promotionFeeds {
				h.scheduleRefresh(feed)
			}
		}
		ids := topicIDs(&confirmed.Event)
		e := h.ring.push(confirmed, ids)
		if feed := h.promotionFeeds[ids[TopicPromotion]]; feed != nil {
			h.scheduleRefresh(feed)
		}
		for kind, t := range e.topics {
			if t == nil || t.subscribers == 0 || t.dirty || TopicKind(kind) == TopicSchedule && !view.ChangesSeats(&e.event) {
				continue
			}
			t.dirty = true
			dirty = append(dirty, t)
		}
	}
	for a := range h.positionWaiters {
		if a.number <= h.ring.head {
			close(a.reached)
			delete(h.positionWaiters, a)
		}
	}
	for _, t := range dirty {
		t.dirty = false
	}
	h.mu.Unlock()

	if gap != 0 {
		h.Log.Warn("events were not told; the ring begins anew", "with", gap)
	}
	h.mu.RLock() // woken readers find the lock free to read
	defer h.mu.RUnlock()
	if gap != 0 {
		for sub := range h.subscriptions {
			sub.subscriptionInfo().topic.wake()
		}
		return
	}
	for _, t := range dirty {
		t.wake()
	}
}

// head is the number of the last event that was told.
func (h *Hub) head() uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.ring.head
}
