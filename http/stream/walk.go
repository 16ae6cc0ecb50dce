// Finding a reader's next events in the ring: from the one it has, forward; where it has none of its own, from the newest
// back to where it is, or out of the ring.
package stream

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
