// A cursor is all that a stream remembers: whose events, for which audience, and how far. It knows nothing of connections;
// whoever writes asks it for the next bytes, and hears whether there is more, nothing, or something that the ring no
// longer has.
package stream

import "onsale/domain"

// batch is how many bytes are gathered for one write; a single larger frame goes out whole.
const batch = 32 << 10

type cursor struct {
	topic    *topic
	at       Position  // everything up to here was taken
	taken    int       // frames, ever
	shown    [2]uint32 // of a board's sheets, the numbers of those that were taken
	owner    *string   // of an order's stream, whose order is told; nil: whosever it is
	last     uint64    // the event after which the stream ends; 0: it is not known yet
	audience audience
	live     bool // it was up to date once
	within   bool // a burst: some of what comes after at is out
}

// A step is what next came to.
type step struct {
	state  state
	target uint64 // behind: the last event that is missing before the ring
}

type state uint8

const (
	idle   state = iota // all that was told was taken
	more                // the batch is full
	behind              // the next event is not in the ring
	over                // there will be nothing more
)

// next appends the frames that follow to out, about a batch of them, and moves on.
func (h *Hub) next(c *cursor, out []byte) ([]byte, step) {
	if c.topic.key.Kind == OfPromotion {
		return h.read(c, out)
	}
	if c.over() {
		return out, step{state: over}
	}
	var entries [64]*entry
	w := h.look(c, entries[:])
	if w.behind {
		return out, step{behind, w.target}
	}
	for _, e := range entries[:w.found] {
		whole := false
		if out, whole = c.take(out, &e.event, h.frames(e, c.audience)); !whole {
			return out, step{state: more}
		}
		if c.over() {
			return out, step{state: over}
		}
	}
	if w.found == len(entries) {
		return out, step{state: more}
	}
	c.at, c.live = Position{Number: w.head}, true
	return out, step{state: idle}
}

// look finds what follows the cursor. When nothing of its key is in the ring, only the store can tell whether something
// is missing before the ring. The store is never behind the ring: when it has nothing after the cursor either, there is
// nothing up to w.head; after a restart that is nearly everybody. It may be ahead of the ring by what is not confirmed:
// the target then lies beyond w.head, and catching up ends where the ring does.
func (h *Hub) look(c *cursor, into []*entry) walk {
	h.mu.RLock()
	w := h.ring.after(c.topic, c.at.seen(), into)
	h.mu.RUnlock()
	if w.behind && w.target == 0 {
		w.target = h.Last(c.topic.key)
		w.behind = w.target > c.at.seen()
	}
	return w
}

// take appends the frames of e that were not seen, until the batch is full. It says whether the event is done.
func (c *cursor) take(out []byte, e *domain.Event, f *frames) ([]byte, bool) {
	from, number := 0, e.Number
	if c.topic.key.Kind == OfOrder && !c.hears(e) {
		f = &frames{}
	}
	if c.at.Number == number && int64(c.at.Sub) < int64(f.count()) {
		from = int(c.at.Sub)
	} // else nothing of it was seen, or another stream counted other frames: all of it, so that nothing is missed
	for k := from; k < f.count(); k++ {
		if len(out) >= batch {
			if k > 0 {
				c.at = Position{Number: number, Sub: uint32(k)}
			}
			return out, false
		}
		start := 0
		if k > 0 {
			start = f.ends[k-1]
		}
		out = append(out, f.bytes[start:f.ends[k]]...)
		c.taken++
	}
	c.at = Position{Number: number}
	return out, true
}

// frames are those of e for an audience: made once, by whoever comes first.
func (h *Hub) frames(e *entry, to audience) *frames {
	if f := e.frames[to].Load(); f != nil {
		return f
	}
	e.making.Lock()
	defer e.making.Unlock()
	if f := e.frames[to].Load(); f != nil {
		return f
	}
	f := h.render(&e.event, to)
	e.frames[to].Store(f)
	return f
}

func (h *Hub) render(e *domain.Event, to audience) *frames {
	f := render(h.Epoch, e, to)
	h.encoded.Add(uint64(f.count()))
	return f
}
