// Who is to be woken by what: each topic knows the connections that watch it, so an event costs nothing for all others.
package stream

// watcher is one connection's place among those of its topic.
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

// watch registers a connection. From then on nothing told under the key is missed. It is false when the hub is shut.
func (h *Hub) watch(c *conn, key Key) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shut != "" {
		return false
	}
	t := h.ring.topic(key)
	c.watcher = watcher{topic: t, index: len(t.watchers), news: make(chan struct{}, 1)}
	t.watchers = append(t.watchers, &c.watcher)
	c.cursor.topic = t
	h.conns[c] = struct{}{}
	return true
}

// leave takes a connection out. The last watcher takes its place in the list.
func (h *Hub) leave(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := c.watcher.topic
	last := t.watchers[len(t.watchers)-1]
	t.watchers[c.watcher.index], last.index = last, c.watcher.index
	t.watchers[len(t.watchers)-1] = nil
	t.watchers = t.watchers[:len(t.watchers)-1]
	h.ring.prune(t)
	delete(h.conns, c)
	if h.shut != "" && len(h.conns) == 0 {
		close(h.empty)
	}
}

// Stats are the figures of the hub at one moment.
type Stats struct {
	Users, Schedules       int    // open streams
	Fresh, Complete, Reset uint64 // streams ever, by the verdict on where they begin
	Shed                   uint64 // turned away with a time to come back
	Slow                   uint64 // ended because a write did not finish
	CatchUps, Waiting      int    // readers of the log, and those in line to be one
	Encoded, Written       uint64 // frames made, frames sent
	Tail, Head             uint64 // the ring holds these events and all between; empty: tail is head+1
}

// Stats looks at all connections; it is for a scrape now and then.
func (h *Hub) Stats() Stats {
	s := Stats{
		Fresh: h.fresh.Load(), Complete: h.complete.Load(), Reset: h.reset.Load(), Shed: h.shed.Load(), Slow: h.slow.Load(),
		Encoded: h.encoded.Load(), Written: h.written.Load(),
	}
	s.CatchUps, s.Waiting = h.line.length()
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.Tail, s.Head = h.ring.tail, h.ring.head
	for c := range h.conns {
		if c.cursor.topic.key.Kind == OfUser {
			s.Users++
		} else {
			s.Schedules++
		}
	}
	return s
}
