// The open streams, by topic, so that an event costs nothing for all others; and how many there may be.

package sse

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"onsale/http/sse/evloop"
)

// wake wakes all subscribers, under the hub's lock.
func (t *topicState) wake() {
	for _, g := range t.groups {
		g.Wake()
	}
}

// register adds a stream of a topic. It is false if there are too many, or the hub is closed or suspended.
func (h *Hub) register(s *subscription, topic Topic) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closedReason != "" || h.suspended || !h.checkLimits(topic, s.addr) {
		return false
	}
	s.opened = uint32(h.Now().Unix())
	s.cursor.topic = h.ring.topicFor(topic)
	s.cursor.topic.subscribers++
	h.attachFeed(s.cursor.topic)
	h.countAddress(s.addr, 1)
	h.subscriptions[s] = struct{}{}
	h.open[topic.Kind]++
	return true
}

// unregister removes a stream, and its group if it was the last of it. Once it is started, that is for its loop to do.
func (h *Hub) unregister(s *subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := s.cursor.topic
	if group := s.Group(); group != nil && group.Empty() {
		t.groups = slices.DeleteFunc(t.groups, func(g *evloop.Group) bool { return g == group })
	}
	t.subscribers--
	h.detachFeed(t)
	h.countAddress(s.addr, -1)
	h.ring.prune(t)
	delete(h.subscriptions, s)
	h.open[t.key.Kind]--
	if h.closedReason != "" && len(h.subscriptions) == 0 {
		close(h.empty)
	}
}

// rejections counts the streams that were rejected by a limit.
type rejections struct {
	all, user, address atomic.Uint64
	loggedAt           atomic.Int64  // seconds since 1970
	loggedTotal        atomic.Uint64 // the total then
}

func (r *rejections) total() uint64 { return r.all.Load() + r.user.Load() + r.address.Load() }

// checkLimits reports whether one more stream may be opened, under the hub's lock.
func (h *Hub) checkLimits(topic Topic, addr netip.Addr) bool {
	switch {
	case h.MaxStreams > 0 && len(h.subscriptions) >= h.MaxStreams:
		h.rejections.all.Add(1)
	case topic.Kind.isPrivate() && h.MaxPerUser > 0 && h.ring.subscribers(topic) >= h.MaxPerUser:
		h.rejections.user.Add(1)
	case h.MaxPerAddress > 0 && addr.IsValid() && h.addresses[addr] >= h.MaxPerAddress:
		h.rejections.address.Add(1)
	default:
		return true
	}
	return false
}

// logRejections logs at most once a minute that streams were rejected by a limit. A line for each could fill the disk.
func (h *Hub) logRejections() {
	r, now := &h.rejections, time.Now().Unix()
	last, total := r.loggedAt.Load(), r.total()
	if total == r.loggedTotal.Load() || now < last+60 || !r.loggedAt.CompareAndSwap(last, now) {
		return
	}
	h.Logger.Warn("too many streams, some were rejected",
		"maxConnections", r.all.Load(), "maxPerUser", r.user.Load(), "maxPerAddress", r.address.Load())
	r.loggedTotal.Store(total)
}

// countAddress counts the streams of an address, if they are limited.
func (h *Hub) countAddress(addr netip.Addr, delta int) {
	if h.MaxPerAddress <= 0 || !addr.IsValid() {
		return
	}
	h.addresses[addr] += delta
	if h.addresses[addr] == 0 {
		delete(h.addresses, addr)
	}
}
