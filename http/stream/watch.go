// Who is to be woken by what: each topic knows who watches it, so an event costs nothing for all others.
package stream

import (
	"net/netip"
	"slices"
)

// guest is an open stream, whoever serves it: a goroutine of net/http or a loop.
type guest interface {
	dismiss(farewell) // ends it; its client shall come back
	tear()            // ends it at once, in the middle of a write if need be
	at() *place
}

// place is what the hub knows of a guest. It is written when the guest joins, and never again.
type place struct {
	topic  *topic
	from   netip.Addr // the zero value where it is not known
	opened int64      // seconds since 1970
}

// watcher is one goroutine's place among those of its topic.
type watcher struct {
	topic *topic
	index int           // in topic.watchers
	news  chan struct{} // one slot: that there is something, not what
}

// wake never waits: news that was not looked at yet is the same news.
func (w *watcher) wake() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// wake tells all who watch the topic, under the hub's lock.
func (t *topic) wake() {
	for _, w := range t.watchers {
		w.wake()
	}
	for _, c := range t.crowds {
		c.loop.stir(c)
	}
}

// watch registers a stream that a goroutine serves. From then on nothing told under the key is missed. It is false when
// there is no room, or no hub any more.
func (h *Hub) watch(c *conn, key Key) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.enter(c, key) {
		return false
	}
	t := c.place.topic
	c.watcher = watcher{topic: t, index: len(t.watchers), news: make(chan struct{}, 1)}
	t.watchers = append(t.watchers, &c.watcher)
	c.cursor.topic = t
	return true
}

// leave takes it out. The last watcher takes its place in the list.
func (h *Hub) leave(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := c.watcher.topic
	last := t.watchers[len(t.watchers)-1]
	t.watchers[c.watcher.index], last.index = last, c.watcher.index
	t.watchers[len(t.watchers)-1] = nil
	t.watchers = t.watchers[:len(t.watchers)-1]
	h.exit(c)
}

// part takes a socket out, and its crowd when it was the last of it.
func (h *Hub) part(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := s.place.topic; s.crowd != nil && len(s.crowd.sockets) == 0 {
		t.crowds = slices.DeleteFunc(t.crowds, func(c *crowd) bool { return c == s.crowd })
	}
	h.exit(s)
}

// enter lets a guest in, under the hub's lock.
func (h *Hub) enter(g guest, key Key) bool {
	p := g.at()
	if h.shut != "" || !h.room(key, p.from) {
		return false
	}
	p.topic = h.ring.topic(key)
	p.opened = h.Now().Unix()
	p.topic.guests++
	h.hang(p.topic)
	h.count(p.from, 1)
	h.conns[g] = struct{}{}
	h.open[key.Kind]++
	return true
}

// exit lets it go, under the hub's lock.
func (h *Hub) exit(g guest) {
	p := g.at()
	p.topic.guests--
	h.unhang(p.topic)
	h.count(p.from, -1)
	h.ring.prune(p.topic)
	delete(h.conns, g)
	h.open[p.topic.key.Kind]--
	if h.shut != "" && len(h.conns) == 0 {
		close(h.empty)
	}
}
