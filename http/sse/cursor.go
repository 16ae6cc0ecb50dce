// A cursor is all that a stream remembers: whose events, for which audience, and how far. It knows nothing of connections;
// what writes to one asks the cursor for the next bytes, and learns whether there is more, nothing, or something that is
// not in the ring any more.

package sse

import (
	"onsale/domain"
	"onsale/http/view"
)

// batchSize is how many bytes are gathered for one write. A larger frame goes out whole.
const batchSize = 32 << 10

type cursor struct {
	topic         *topicState
	at            view.Position // everything up to here was taken
	frameCount    int           // frames taken and not yet counted as written
	shownVersions [2]uint32     // versions of a promotion's snapshots that were taken
	expectedUser  *string       // whose order is shown; nil: anybody's
	endsAfter     uint64        // the event after which an order's stream ends; 0: not known yet
	audience      view.Audience
	wasCaughtUp   bool // it was up to date once
	midConflation bool // part of a conflation is out: frames that come after at
}

// batchResult is the state of a cursor behind a batch.
type batchResult struct {
	state  batchState
	target uint64            // needsHistory: the last event that is missing before the ring
	traced []func(TopicKind) // to be called when the batch has gone out
}

type batchState uint8

const (
	caughtUp     batchState = iota // everything delivered was taken
	hasMore                        // the batch is full
	needsHistory                   // the next event is not in the ring
	done                           // there will be no more frames
)

// nextFrames appends the frames that follow to out, about a batch, and moves the cursor.
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
		return out, batchResult{state: needsHistory, target: result.target}
	}
	batch := batchResult{state: caughtUp}
	for _, e := range entries[:result.found] {
		if c.topic.filter != nil && !c.topic.filter.matches(&e.event) {
			c.at = view.Position{Number: e.event.Number}
			continue
		}
		complete, before := false, len(out)
		if out, complete = c.appendEvent(out, &e.event, h.frames(e, c.audience)); !complete {
			batch.state = hasMore
			return out, batch
		}
		if e.sent != nil && len(out) > before {
			batch.traced = append(batch.traced, e.sent)
		}
		if c.done() {
			batch.state = done
			return out, batch
		}
	}
	if result.found == len(entries) {
		batch.state = hasMore
		return out, batch
	}
	c.at, c.wasCaughtUp = view.Position{Number: result.head}, true
	return out, batch
}

// lookup finds what follows the cursor. If the ring has nothing of its topic, only the store can tell whether something is
// missing before the ring. The store is never behind the ring: if it has nothing after the cursor either, there is nothing
// up to the ring's head; after a restart that is the case for nearly all streams. It may be ahead by what is not confirmed:
// the target then lies beyond the head, and catching up ends at the head.
func (h *Hub) lookup(c *cursor, into []*entry) lookupResult {
	h.mu.RLock()
	result := h.ring.after(c.topic, c.at.Seen(), into)
	h.mu.RUnlock()
	if result.behind && result.target == 0 {
		result.target = h.lastEvent(c.topic.key)
		result.behind = result.target > c.at.Seen()
	}
	return result
}

// appendEvent appends the frames of e that were not seen, until the batch is full. complete: that were all.
func (c *cursor) appendEvent(out []byte, e *domain.Event, f *view.Frames) (_ []byte, complete bool) {
	from, number := 0, e.Number
	if c.topic.key.Kind == TopicOrder && !c.wantsResult(e) {
		f = &view.Frames{}
	}
	if c.at.Number == number && int64(c.at.Sub) < int64(len(f.Ends)) {
		from = int(c.at.Sub)
	} // else nothing of it was seen, or Sub counts another stream's frames: all of it, so that nothing is missed
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

// hasFrames reports whether subscribers of a topic see something of e. Rejections are not seen by those of schedules, and
// need not wake them.
func hasFrames(kind TopicKind, e *domain.Event) bool {
	return kind != TopicSchedule || view.ChangesSeats(e)
}

// frames are those of e for an audience, encoded by the first reader that needs them.
func (h *Hub) frames(e *entry, a view.Audience) *view.Frames {
	cached := &e.frames[a.Index()]
	if f := cached.Load(); f != nil {
		return f
	}
	e.renderMu.Lock()
	defer e.renderMu.Unlock()
	if f := cached.Load(); f != nil {
		return f
	}
	f := h.render(&e.event, a)
	cached.Store(f)
	return f
}

func (h *Hub) render(e *domain.Event, a view.Audience) *view.Frames {
	f := view.Render(h.Epoch, e, a)
	h.encoded.Add(uint64(len(f.Ends)))
	return f
}
