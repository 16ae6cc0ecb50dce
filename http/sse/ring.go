// The ring: the newest events of the log with their encoded frames, once for the whole process. The events of one topic are
// chained through it, so a reader steps from one of its events to the next however many lie between, and sees where its
// chain leads out of the ring.

package sse

import (
	"slices"
	"sync"
	"sync/atomic"

	"onsale/domain"
	"onsale/http/sse/evloop"
	"onsale/http/view"
	"onsale/projections"
)

// entry is one event in the ring.
type entry struct {
	event  domain.Event
	topics [chainedKinds]*topicState
	prev   [chainedKinds]uint64 // the topic's event before it, in the ring or not; 0: none
	sent   func(TopicKind)      // see Config.Trace
	next   [chainedKinds]uint64 // the topic's event after it; 0: none yet. Guarded by the hub's lock, all else is immutable

	renderMu sync.Mutex
	frames   [view.Audiences]atomic.Pointer[view.Frames] // nil: not encoded yet
}

// topicState is a topic that has events in the ring, or subscribers.
type topicState struct {
	key         Topic
	newest      uint64          // its last event in the ring; 0: none
	feed        *promotionFeed  // of a promotion with subscribers
	filter      *feedFilter     // of a feed
	groups      []*evloop.Group // one for each loop that has subscribers
	subscribers int             // those that are being opened too
	dirty       bool            // within one Deliver: its subscribers have to be woken
}

// includes reports whether e is an event of the topic.
func (t *topicState) includes(e *domain.Event) bool {
	if t.filter != nil {
		return t.filter.matches(e)
	}
	return topicIDs(e)[t.key.Kind] == t.key.ID
}

// groupOn is the group of the topic's subscribers on a loop, under the hub's lock.
func (t *topicState) groupOn(l *evloop.Loop) *evloop.Group {
	for _, g := range t.groups {
		if g.Loop() == l {
			return g
		}
	}
	g := l.NewGroup()
	t.groups = append(t.groups, g)
	return g
}

// ring holds the events tail..head; when it is empty, tail is head+1. All of it is guarded by the hub's lock.
type ring struct {
	entries    []*entry // event n at n mod len
	tail, head uint64
	topics     map[Topic]*topicState
	feeds      []*topicState // those that are feeds
}

func newRing(size int, head uint64) ring {
	return ring{entries: make([]*entry, size), tail: head + 1, head: head, topics: map[Topic]*topicState{}}
}

func (r *ring) at(number uint64) *entry { return r.entries[number%uint64(len(r.entries))] }

// topicFor is the state of a topic, which is made if there is none.
func (r *ring) topicFor(topic Topic) *topicState {
	t := r.topics[topic]
	if t == nil {
		t = &topicState{key: topic}
		r.topics[topic] = t
		if topic.Kind == TopicFeed {
			t.filter = newFeedFilter(topic.ID)
			r.feeds = append(r.feeds, t)
		}
	}
	return t
}

// subscribers is the number of a topic's streams.
func (r *ring) subscribers(topic Topic) int {
	if t := r.topics[topic]; t != nil {
		return t.subscribers
	}
	return 0
}

// prune removes a topic that has neither events nor subscribers.
func (r *ring) prune(t *topicState) {
	if t.newest == 0 && t.subscribers == 0 {
		delete(r.topics, t.key)
		if t.filter != nil {
			r.feeds = slices.DeleteFunc(r.feeds, func(feed *topicState) bool { return feed == t })
		}
	}
}

// push appends event head+1, whose topics have these ids.
func (r *ring) push(confirmed projections.ConfirmedEvent, ids [topicKinds]string) *entry {
	if r.head+1-r.tail == uint64(len(r.entries)) {
		r.drop()
	}
	e := &entry{event: confirmed.Event, prev: [chainedKinds]uint64{confirmed.PrevOfUser, confirmed.PrevOfEntity, confirmed.PrevOfEntity}}
	for kind, id := range ids[:chainedKinds] {
		if id == "" {
			continue
		}
		t := r.topicFor(Topic{TopicKind(kind), id})
		if t.newest != 0 {
			e.prev[kind] = t.newest
			r.at(t.newest).next[kind] = confirmed.Number
		} else {
			e.prev[kind] = min(e.prev[kind], r.tail-1) // it is not in the ring, whatever the number says
		}
		t.newest, e.topics[kind] = confirmed.Number, t
	}
	r.head = confirmed.Number
	r.entries[r.head%uint64(len(r.entries))] = e
	return e
}

// drop removes the oldest event.
func (r *ring) drop() {
	e := r.at(r.tail)
	for _, t := range e.topics {
		if t != nil && t.newest == r.tail {
			t.newest = 0
			r.prune(t)
		}
	}
	r.entries[r.tail%uint64(len(r.entries))] = nil
	r.tail++
}

// restart empties the ring; its next event is head+1. Cursors before that have fallen out of it.
func (r *ring) restart(head uint64) {
	for r.tail <= r.head {
		r.drop()
	}
	r.tail, r.head = head+1, head
}

// lookupResult is what a reader finds in the ring.
type lookupResult struct {
	found  int    // events of its topic
	behind bool   // some are missing before the ring, up to and with event
	target uint64 // this one; 0: only the store knows
	head   uint64 // the ring's at that moment
}

// after finds the topic's first events of which not all was seen, oldest first, as many as into holds; of a feed all events. It goes
// forward from the reader's last event, if that is in the ring; else back from the newest.
func (r *ring) after(t *topicState, seen uint64, into []*entry) lookupResult {
	result, kind := lookupResult{head: r.head}, t.key.Kind
	var first uint64
	switch {
	case seen >= r.head:
		return result
	case kind == TopicFeed && seen+1 < r.tail:
		result.behind, result.target = true, r.tail-1
		return result
	case kind == TopicFeed:
		for n := seen + 1; n <= r.head && result.found < len(into); n++ {
			into[result.found] = r.at(n)
			result.found++
		}
		return result
	case seen >= r.tail && r.at(seen).topics[kind] == t:
		first = r.at(seen).next[kind]
	case t.newest == 0:
		result.behind = seen+1 < r.tail
		return result
	default:
		n := t.newest
		for n > seen && n >= r.tail {
			first, n = n, r.at(n).prev[kind]
		}
		if n > seen {
			result.behind, result.target = true, n
			return result
		}
	}
	for n := first; n != 0 && result.found < len(into); n = r.at(n).next[kind] {
		into[result.found] = r.at(n)
		result.found++
	}
	return result
}
