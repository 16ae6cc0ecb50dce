// The feed as lines of JSON, for servers that ask again and again instead of listening: a response has the events after the client's
// position, up to the newest, and ends. It is written by the goroutine of its request, a batch at a time, so a slow client holds no
// more than that.

package sse

import (
	"context"
	"errors"
	"net/http"
	"time"

	"onsale/domain"
	"onsale/http/view"
)

// scanTimeout bounds the search for the first event that a filter lets through. The client goes on where it ended.
const scanTimeout = 10 * time.Second

// ErrClosed means that the position of a client could not be waited for, because the node ends its streams.
var ErrClosed = errors.New("streams are closed")

// StartHeader says in a response of lines what the first frame of a stream does: fresh, complete or reset.
const StartHeader = "Onsale-Start"

// FeedLines answers with the events that pass the filter, one line each. If there is none it waits for one, up to wait. Last-Event-ID
// is where the next request goes on; it is behind the last line, or behind what the filter excluded. An error means that nothing was
// written; one that comes later aborts the response, so that a part cannot be taken for the whole.
func (h *Hub) FeedLines(w http.ResponseWriter, r *http.Request, filter Filter, cloudEvents bool, wait time.Duration) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)() // a closed hub delivers nothing more, so there is nothing to wait for
	topic := filter.topic()
	c := cursor{topic: &topicState{key: topic, filter: newFeedFilter(topic.ID)}, audience: feedAudience(cloudEvents)}
	c.audience.Lines = true
	from, status, err := h.resume(ctx, r, c.topic)
	switch {
	case err != nil && h.ctx.Err() != nil:
		return ErrClosed
	case err != nil:
		return err
	}
	c.at = view.Position{Number: from.Seen()} // an event has one line
	buffer := buffers.Get().(*[]byte)
	out := (*buffer)[:0]
	defer func() { putBuffer(buffer, out) }()
	until, out, err := h.firstLines(ctx, &c, out, wait)
	if err != nil && ctx.Err() == nil {
		return err
	}
	h.countStart(status)
	header := w.Header()
	header.Set("Content-Type", "application/x-ndjson")
	if cloudEvents {
		header.Set("Content-Type", "application/cloudevents+json")
	}
	header.Set("Last-Event-ID", view.Position{Number: until}.ID(h.Epoch))
	header.Set(StartHeader, status)
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
	client := http.NewResponseController(w)
	for {
		_ = client.SetWriteDeadline(time.Now().Add(h.WriteTimeout)) // not every writer has one
		if _, err := w.Write(out); err != nil {
			panic(http.ErrAbortHandler)
		}
		if c.at.Number >= until {
			return nil
		}
		if out, err = h.appendLines(r.Context(), &c, until, out[:0]); err != nil {
			if r.Context().Err() == nil {
				h.Logger.Error("cannot read the journal for a feed", "at", c.at.Number, "error", err)
			}
			panic(http.ErrAbortHandler)
		}
	}
}

// firstLines appends the first batch of lines, and waits for it. The response has the events up to until.
func (h *Hub) firstLines(ctx context.Context, c *cursor, out []byte, wait time.Duration) (until uint64, _ []byte, err error) {
	scan, cancel := context.WithTimeout(ctx, max(wait, scanTimeout))
	defer cancel()
	for deadline := time.Now().Add(wait); ; {
		until = max(h.head(), c.at.Number)
		out, err = h.appendLines(scan, c, until, out)
		switch {
		case err == nil && len(out) > 0:
			return until, out, nil
		case err != nil && scan.Err() != nil:
			return c.at.Number, out, ctx.Err()
		case err != nil:
			return until, out, err
		}
		if left := time.Until(deadline); left <= 0 || !h.waitForNumber(ctx, until+1, left) {
			return until, out, nil
		}
	}
}

// appendLines appends the lines that follow up to event until, about a batch, and moves the cursor. What is not in the ring is read
// from the journal.
func (h *Hub) appendLines(ctx context.Context, c *cursor, until uint64, out []byte) ([]byte, error) {
	add := func(e *domain.Event, lines func() *view.Frames) (more bool) {
		if e.Number > until || len(out) >= batchSize {
			return false
		}
		if c.topic.includes(e) {
			out = append(out, lines().Bytes...)
		}
		c.at = view.Position{Number: e.Number}
		return true
	}
	for c.at.Number < until && len(out) < batchSize {
		var entries [64]*entry
		result := h.lookup(c, entries[:])
		if !result.behind {
			for _, e := range entries[:result.found] {
				add(&e.event, func() *view.Frames { return h.frames(e, c.audience) })
			}
			continue
		}
		for e, err := range h.eventsOf(ctx, c.topic.key, c.at.Number+1) {
			if err != nil {
				return out, err
			}
			h.replayed.Add(1)
			if !add(&e, func() *view.Frames { return h.render(&e, c.audience) }) || e.Number >= min(until, result.target) {
				break
			}
		}
		if err := ctx.Err(); err != nil {
			return out, err
		}
	}
	return out, nil
}
