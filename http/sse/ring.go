// The ring: the newest events of the log as ready-made frames, one for the whole process. The events of one user, and
// those of one schedule, are chained through it, so a reader steps from one of its own to the next however much lies
// between, and sees where its chain leads out of the ring.

package sse

import (
	"onsale/http/view"
	"sync"
	"sync/atomic"

	"onsale/domain"
	"onsale/projections"
)

// Topic is whose events a stream carries: those of a user, those of a schedule's seats, those of an order, whose ID is its
// imp_uid, or what those of a promotion come to.
type Topic struct {
	Kind TopicKind
	ID   string
}

// TopicKind is one of the four.
type TopicKind uint8

const (
	TopicUser TopicKind = iota
	TopicSchedule
	TopicOrder
	TopicPromotion
	topicKinds
	chainedKinds = TopicPromotion // the kinds before it have chains; a promotion has a board
)

// topicIDs are the keys under which e is told; "" where it has none of that kind.
func topicIDs(e *domain.Event) (ids [topicKinds]string) {
	if e.User != domain.NoUser {
		ids[TopicUser] = e.User
	}
	if e.Entity == domain.SystemEntity {
		return ids
	}
	switch name, _ := e.Body.Type(); domain.Kind(name) {
	case "seats":
		ids[TopicSchedule] = e.Entity
	case "orders":
		ids[TopicOrder] = e.Entity
	case "coupons":
		ids[TopicPromotion] = e.Entity
	}
	return ids
}

// entry is one event in the ring.
type entry struct {
	event  domain.Event
	topics [chainedKinds]*topicState
	prev   [chainedKinds]uint64 // the event before it under the same key, in the ring or not; 0: none
	next   [chainedKinds]uint64 // the one after it; 0: none yet. Guarded by the hub's lock, all else never changes

	renderMu sync.Mutex // held while frames are made
	frames   [view.Audiences]atomic.Pointer[view.Frames]
}

// topicState is a key that has events in the ring, or watchers.
type topicState struct {
	key         Topic
	newest      uint64         // its last event in the ring; 0: none
	feed        *promotionFeed // of a promotion that is watched
	watchers    []*watcher
	byLoop      []*loopSubscribers // one for each loop that has sockets of it
	subscribers int                // who are in both, or on their way
	dirty       bool               // within one Tell: it has news
}

// subscribersOn is the topic's sockets on a loop, under the hub's lock.
func (t *topicState) subscribersOn(l *loop) *loopSubscribers {
	for _, c := range t.byLoop {
		if c.loop == l {
			return c
		}
	}
	c := &loopSubscribers{loop: l}
	t.byLoop = append(t.byLoop, c)
	return c
}

// ring holds the events tail..head; when it is empty, tail is head+1. All of it is guarded by the hub's lock.
type ring struct {
	entries    []*entry // event n at n mod len
	tail, head uint64
	topics     map[Topic]*topicState
}

func newRing(size int, head uint64) ring {
	return ring{entries: make([]*entry, size), tail: head + 1, head: head, topics: map[Topic]*topicState{}}
}

func (r *ring) at(number uint64) *entry { return r.entries[number%uint64(len(r.entries))] }

// topicFor is the one with this key; it is made where there is none.
func (r *ring) topicFor(topic Topic) *topicState {
	t := r.topics[topic]
	if t == nil {
		t = &topicState{key: topic}
		r.topics[topic] = t
	}
	return t
}

// subscribers is how many streams a key has.
func (r *ring) subscribers(topic Topic) int {
	if t := r.topics[topic]; t != nil {
		return t.subscribers
	}
	return 0
}

// prune forgets a topic that has neither events nor watchers.
func (r *ring) prune(t *topicState) {
	if t.newest == 0 && t.subscribers == 0 {
		delete(r.topics, t.key)
	}
}

// push appends event head+1, which has these keys.
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
			e.prev[kind] = min(e.prev[kind], r.tail-1) // it is not in the ring, whoever says so
		}
		t.newest, e.topics[kind] = confirmed.Number, t
	}
	r.head = confirmed.Number
	r.entries[r.head%uint64(len(r.entries))] = e
	return e
}

// drop forgets the oldest event.
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

// restart empties the ring; the next event is head+1. Readers that are not there yet have fallen out.
func (r *ring) restart(head uint64) {
	for r.tail <= r.head {
		r.drop()
	}
	r.tail, r.head = head+1, head
}

// Finding a reader's next events in the ring: from the one it has, forward; where it has none of its own, from the newest
// back to where it is, or out of the ring.

// A walk says what a reader finds in the ring.
type lookupResult struct {
	found  int    // so many events of its own, or
	behind bool   // something is missing before the ring, up to and with event
	target uint64 // this one; 0: only the store knows
	head   uint64 // the ring's at that moment
}

// after finds the first events of a topic of which not all was seen, oldest first, as many as into holds.
func (r *ring) after(t *topicState, seen uint64, into []*entry) lookupResult {
	result, kind := lookupResult{head: r.head}, t.key.Kind
	var first uint64
	switch {
	case seen >= r.head:
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
