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

// Key is whose events a stream carries: those of a user, or those of a schedule's seats.
type Key struct {
	Kind Kind
	ID   string
}

// Kind is one of the two.
type Kind uint8

const (
	OfUser Kind = iota
	OfSchedule
	kinds
)

// keysOf are the keys under which e is told; "" where it has none of that kind.
func keysOf(e *domain.Event) (ids [kinds]string) {
	if e.User != domain.Nobody {
		ids[OfUser] = e.User
	}
	if name, _ := e.Body.Type(); domain.Kind(name) == "seats" && e.Entity != domain.SystemEntity {
		ids[OfSchedule] = e.Entity
	}
	return ids
}

// entry is one event in the ring.
type entry struct {
	event  domain.Event
	topics [kinds]*topic
	before [kinds]uint64 // the event before it under the same key, in the ring or not; 0: none
	next   [kinds]uint64 // the one after it; 0: none yet. Guarded by the hub's lock, all else never changes

	making sync.Mutex // held while frames are made
	frames [audiences]atomic.Pointer[frames]
}

// topic is a key that has events in the ring, or watchers.
type topic struct {
	key      Key
	newest   uint64 // its last event in the ring; 0: none
	watchers []*watcher
	stirred  bool // within one Tell: it has news
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

// prune forgets a topic that has neither events nor watchers.
func (r *ring) prune(t *topic) {
	if t.newest == 0 && len(t.watchers) == 0 {
		delete(r.topics, t.key)
	}
}

// push appends event head+1.
func (r *ring) push(told projections.Told) *entry {
	if r.head+1-r.tail == uint64(len(r.entries)) {
		r.drop()
	}
	e := &entry{event: told.Event, before: [kinds]uint64{told.BeforeOfUser, told.BeforeOfEntity}}
	for kind, id := range keysOf(&e.event) {
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

// A walk says what a reader finds in the ring.
type walk struct {
	found  int    // so many events of its own, or
	behind bool   // something is missing before the ring, up to and with event
	target uint64 // this one; 0: only the store knows
	head   uint64 // the ring's at that moment
}

// after finds the first events of a topic of which not all was seen, oldest first, as many as into holds.
func (r *ring) after(t *topic, seen uint64, into []*entry) walk {
	w, kind := walk{head: r.head}, t.key.Kind
	var first uint64
	switch {
	case seen >= r.head:
		return w
	case seen >= r.tail && r.at(seen).topics[kind] == t:
		first = r.at(seen).next[kind]
	case t.newest == 0:
		w.behind = seen+1 < r.tail
		return w
	default:
		n := t.newest
		for n > seen && n >= r.tail {
			first, n = n, r.at(n).before[kind]
		}
		if n > seen {
			w.behind, w.target = true, n
			return w
		}
	}
	for n := first; n != 0 && w.found < len(into); n = r.at(n).next[kind] {
		into[w.found] = r.at(n)
		w.found++
	}
	return w
}
