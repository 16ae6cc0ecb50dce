// Who is to be woken by what: each topic knows who watches it, so an event costs nothing for all others.

package sse

import (
	"net/netip"
	"slices"
)

// subscription is an open stream, whoever serves it: a goroutine of net/http or a loop.
type subscription interface {
	closeGracefully(closeNotice) // ends it; its client shall come back
	abort()                      // ends it at once, in the middle of a write if need be
	subscriptionInfo() *subscriptionInfo
}

// subscriptionInfo is what the hub knows of a guest. It is written when the guest joins, and never again.
type subscriptionInfo struct {
	topic  *topicState
	addr   netip.Addr // the zero value where it is not known
	opened int64      // seconds since 1970
}

// watcher is one goroutine's place among those of its topic.
type watcher struct {
	topic  *topicState
	index  int           // in topic.watchers
	wakeup chan struct{} // one slot: that there is something, not what
}

// wake never waits: news that was not looked at yet is the same news.
func (w *watcher) wake() {
	select {
	case w.wakeup <- struct{}{}:
	default:
	}
}

// wake tells all who watch the topic, under the hub's lock.
func (t *topicState) wake() {
	for _, w := range t.watchers {
		w.wake()
	}
	for _, c := range t.byLoop {
		c.loop.notify(c)
	}
}

// addWatcher registers a stream that a goroutine serves. From then on nothing told under the key is missed. It is false when
// there is no room, or no hub any more.
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

// removeWatcher takes it out. The last watcher takes its place in the list.
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

// removeSocket takes a socket out, and its crowd when it was the last of it.
func (h *Hub) removeSocket(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := s.info.topic; s.subscribers != nil && len(s.subscribers.sockets) == 0 {
		t.byLoop = slices.DeleteFunc(t.byLoop, func(c *loopSubscribers) bool { return c == s.subscribers })
	}
	h.unregister(s)
}

// register lets a guest in, under the hub's lock.
func (h *Hub) register(sub subscription, topic Topic) bool {
	info := sub.subscriptionInfo()
	if h.closedReason != "" || !h.checkLimits(topic, info.addr) {
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

// unregister lets it go, under the hub's lock.
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
