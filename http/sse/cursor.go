// A cursor is all that a stream remembers: whose events, for which audience, and how far. It knows nothing of connections;
// whoever writes asks it for the next bytes, and hears whether there is more, nothing, or something that the ring no
// longer has.

package sse

import (
	"onsale/domain"

	"onsale/http/view"
)

// batchSize is how many bytes are gathered for one write; a single larger frame goes out whole.
const batchSize = 32 << 10

type cursor struct {
	topic         *topicState
	at            view.Position // everything up to here was taken
	frameCount    int           // frames, ever
	shownVersions [2]uint32     // of a board's sheets, the numbers of those that were taken
	expectedUser  *string       // of an order's stream, whose order is told; nil: whosever it is
	endsAfter     uint64        // the event after which the stream ends; 0: it is not known yet
	audience      view.Audience
	wasCaughtUp   bool // it was up to date once
	midConflation bool // a burst: some of what comes after at is out
}

// A step is what next came to.
type batchResult struct {
	state  batchState
	target uint64 // behind: the last event that is missing before the ring
}

type batchState uint8

const (
	caughtUp     batchState = iota // all that was told was taken
	hasMore                        // the batch is full
	needsHistory                   // the next event is not in the ring
	done                           // there will be nothing more
)

// nextFrames appends the frames that follow to out, about a batch of them, and moves on.
func (h *Hub) nextFrames(c *cursor, out []byte) ([]byte, batchResult) {
	if c.topic.key.Kind == TopicPromotion {
		return h.nextSnapshot(c, out)
	}
	if c.done() {
		return out, batchResult{state: done}
	}
	var entries [64]*entry
	result := h.lookup(c, entries[:])
	if result.behind {
		return out, batchResult{needsHistory, result.target}
	}
	for _, e := range entries[:result.found] {
		complete := false
		if out, complete = c.appendEvent(out, &e.event, h.frames(e, c.audience)); !complete {
			return out, batchResult{state: hasMore}
		}
		if c.done() {
			return out, batchResult{state: done}
		}
	}
	if result.found == len(entries) {
		return out, batchResult{state: hasMore}
	}
	c.at, c.wasCaughtUp = view.Position{Number: result.head}, true
	return out, batchResult{state: caughtUp}
}

// lookup finds what follows the cursor. When nothing of its key is in the ring, only the store can tell whether something
// is missing before the ring. The store is never behind the ring: when it has nothing after the cursor either, there is
// nothing up to w.head; after a restart that is nearly everybody. It may be ahead of the ring by what is not confirmed:
// the target then lies beyond w.head, and catching up ends where the ring does.
func (h *Hub) lookup(c *cursor, into []*entry) lookupResult {
	h.mu.RLock()
	result := h.ring.after(c.topic, c.at.Seen(), into)
	h.mu.RUnlock()
	if result.behind && result.target == 0 {
		result.target = h.Last(c.topic.key)
		result.behind = result.target > c.at.Seen()
	}
	return result
}

// appendEvent appends the frames of e that were not seen, until the batch is full. It says whether the event is done.
func (c *cursor) appendEvent(out []byte, e *domain.Event, f *view.Frames) ([]byte, bool) {
	from, number := 0, e.Number
	if c.topic.key.Kind == TopicOrder && !c.wantsResult(e) {
		f = &view.Frames{}
	}
	if c.at.Number == number && int64(c.at.Sub) < int64(len(f.Ends)) {
		from = int(c.at.Sub)
	} // else nothing of it was seen, or another stream counted other frames: all of it, so that nothing is missed
	for k := from; k < len(f.Ends); k++ {
		if len(out) >= batchSize {
			if k > 0 {
				c.at = view.Position{Number: number, Sub: uint32(k)}
			}
			return out, false
		}
		out = append(out, f.Frame(k)...)
		c.frameCount++
	}
	c.at = view.Position{Number: number}
	return out, true
}

// frames are those of e for an audience: made once, by whoever comes first.
func (h *Hub) frames(e *entry, to view.Audience) *view.Frames {
	cached := &e.frames[to.Index()]
	if f := cached.Load(); f != nil {
		return f
	}
	e.renderMu.Lock()
	defer e.renderMu.Unlock()
	if f := cached.Load(); f != nil {
		return f
	}
	f := h.render(&e.event, to)
	cached.Store(f)
	return f
}

func (h *Hub) render(e *domain.Event, to view.Audience) *view.Frames {
	f := view.Render(h.Epoch, e, to)
	h.encoded.Add(uint64(len(f.Ends)))
	return f
}
