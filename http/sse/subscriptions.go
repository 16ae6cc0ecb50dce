// Subscriptions: every topic knows its open streams, so an event costs nothing for all others; and how many there may be.

package sse

import (
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"onsale/http/sse/evloop"
)

// subscription is an open stream: a conn, served by a goroutine of net/http, or a socket, served by the event loop.
type subscription interface {
	closeGracefully(closeNotice) // between two frames, with a retry delay
	abort()                      // at once, within a write if need be
	subscriptionInfo() *subscriptionInfo
}

// subscriptionInfo is set when the stream is registered, and does not change.
type subscriptionInfo struct {
	topic  *topicState
	addr   netip.Addr // the zero value: unknown
	opened int64      // seconds since 1970
}

// watcher is a goroutine among the subscribers of its topic.
type watcher struct {
	topic  *topicState
	index  int           // in topic.watchers
	wakeup chan struct{} // one slot: there is something new, not what
}

// wake never waits. A wakeup that was not received yet stands for all.
func (w *watcher) wake() {
	select {
	case w.wakeup <- struct{}{}:
	default:
	}
}

// wake wakes all subscribers, under the hub's lock.
func (t *topicState) wake() {
	for _, w := range t.watchers {
		w.wake()
	}
	for _, g := range t.groups {
		g.Wake()
	}
}

// addWatcher registers a stream that a goroutine serves: from here on it is woken by everything published. It is false if
// the stream must be rejected.
func (h *Hub) addWatcher(c *conn, topic Topic) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.register(c, topic) {
		return false
	}
	t := c.info.topic
	c.watcher = watcher{topic: t, index: len(t.watchers), wakeup: make(chan struct{}, 1)}
	t.watchers = append(t.watchers, &c.watcher)
	c.cursor.topic = t
	return true
}

// removeWatcher puts the last watcher into the place of c.
func (h *Hub) removeWatcher(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := c.watcher.topic
	last := t.watchers[len(t.watchers)-1]
	t.watchers[c.watcher.index], last.index = last, c.watcher.index
	t.watchers[len(t.watchers)-1] = nil
	t.watchers = t.watchers[:len(t.watchers)-1]
	h.unregister(c)
}

// removeSocket unregisters a socket, and its group if it was the last of it.
func (h *Hub) removeSocket(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t, group := s.info.topic, s.Group(); group != nil && group.Empty() {
		t.groups = slices.DeleteFunc(t.groups, func(g *evloop.Group) bool { return g == group })
	}
	h.unregister(s)
}

// register adds a stream, under the hub's lock. It is false if there are too many, or the hub is closed or
// suspended.
func (h *Hub) register(sub subscription, topic Topic) bool {
	info := sub.subscriptionInfo()
	if h.closedReason != "" || h.suspended || !h.checkLimits(topic, info.addr) {
		return false
	}
	info.topic = h.ring.topicFor(topic)
	info.opened = h.Now().Unix()
	info.topic.subscribers++
	h.attachFeed(info.topic)
	h.countAddress(info.addr, 1)
	h.subscriptions[sub] = struct{}{}
	h.open[topic.Kind]++
	return true
}

// unregister removes a stream, under the hub's lock.
func (h *Hub) unregister(sub subscription) {
	info := sub.subscriptionInfo()
	info.topic.subscribers--
	h.detachFeed(info.topic)
	h.countAddress(info.addr, -1)
	h.ring.prune(info.topic)
	delete(h.subscriptions, sub)
	h.open[info.topic.key.Kind]--
	if h.closedReason != "" && len(h.subscriptions) == 0 {
		close(h.empty)
	}
}

// Limits.

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
	case (topic.Kind == TopicUser || topic.Kind == TopicOrder) && h.MaxPerUser > 0 && h.ring.subscribers(topic) >= h.MaxPerUser:
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
	h.Log.Warn("too many streams, some were rejected",
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

// addressOf is the other end of the request's connection. A header could contain anything.
func addressOf(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}
