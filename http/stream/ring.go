// The ring: the newest events of the log as ready-made frames, one for the whole process. The events of one user, and
// those of one schedule, are chained through it, so a reader steps from one of its own to the next however much lies
// between, and sees where its chain leads out of the ring.
package stream

import (
	"sync"
	"sync/atomic"

	"onsale/domain"
	"onsale/projections"
)

// Key is whose events a stream carries: those of a user, those of a schedule's seats, those of an order, whose ID is its
// imp_uid, or what those of a promotion come to.
type Key struct {
	Kind Kind
	ID   string
}

// Kind is one of the four.
type Kind uint8

const (
	OfUser Kind = iota
	OfSchedule
	OfOrder
	OfPromotion
	kinds
	chained = OfPromotion // the kinds before it have chains; a promotion has a board
)

// keysOf are the keys under which e is told; "" where it has none of that kind.
func keysOf(e *domain.Event) (ids [kinds]string) {
	if e.User != domain.Nobody {
		ids[OfUser] = e.User
	}
	if e.Entity == domain.SystemEntity {
		return ids
	}
	switch name, _ := e.Body.Type(); domain.Kind(name) {
	case "seats":
		ids[OfSchedule] = e.Entity
	case "orders":
		ids[OfOrder] = e.Entity
	case "coupons":
		ids[OfPromotion] = e.Entity
	}
	return ids
}

// entry is one event in the ring.
type entry struct {
	event  domain.Event
	topics [chained]*topic
	before [chained]uint64 // the event before it under the same key, in the ring or not; 0: none
	next   [chained]uint64 // the one after it; 0: none yet. Guarded by the hub's lock, all else never changes

	making sync.Mutex // held while frames are made
	frames [audiences]atomic.Pointer[frames]
}

// topic is a key that has events in the ring, or watchers.
type topic struct {
	key      Key
	newest   uint64 // its last event in the ring; 0: none
	board    *board // of a promotion that is watched
	watchers []*watcher
	crowds   []*crowd // one for each loop that has sockets of it
	guests   int      // who are in both, or on their way
	stirred  bool     // within one Tell: it has news
}

// crowd is the topic's sockets on a loop, under the hub's lock.
func (t *topic) crowd(l *loop) *crowd {
	for _, c := range t.crowds {
		if c.loop == l {
			return c
		}
	}
	c := &crowd{loop: l}
	t.crowds = append(t.crowds, c)
	return c
}

// ring holds the events tail..head; when it is empty, tail is head+1. All of it is guarded by the hub's lock.
type ring struct {
	entries    []*entry // event n at n mod len
	tail, head uint64
	topics     map[Key]*topic
}

func newRing(size int, head uint64) ring {
	return ring{entries: make([]*entry, size), tail: head + 1, head: head, topics: map[Key]*topic{}}
}

func (r *ring) at(number uint64) *entry { return r.entries[number%uint64(len(r.entries))] }

// topic is the one with this key; it is made where there is none.
func (r *ring) topic(key Key) *topic {
	t := r.topics[key]
	if t == nil {
		t = &topic{key: key}
		r.topics[key] = t
	}
	return t
}

// guests is how many streams a key has.
func (r *ring) guests(key Key) int {
	if t := r.topics[key]; t != nil {
		return t.guests
	}
	return 0
}

// prune forgets a topic that has neither events nor watchers.
func (r *ring) prune(t *topic) {
	if t.newest == 0 && t.guests == 0 {
		delete(r.topics, t.key)
	}
}

// push appends event head+1, which has these keys.
func (r *ring) push(told projections.Told, keys [kinds]string) *entry {
	if r.head+1-r.tail == uint64(len(r.entries)) {
		r.drop()
	}
	e := &entry{event: told.Event, before: [chained]uint64{told.BeforeOfUser, told.BeforeOfEntity, told.BeforeOfEntity}}
	for kind, id := range keys[:chained] {
		if id == "" {
			continue
		}
		t := r.topic(Key{Kind(kind), id})
		if t.newest != 0 {
			e.before[kind] = t.newest
			r.at(t.newest).next[kind] = told.Number
		} else {
			e.before[kind] = min(e.before[kind], r.tail-1) // it is not in the ring, whoever says so
		}
		t.newest, e.topics[kind] = told.Number, t
	}
	r.head = told.Number
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
