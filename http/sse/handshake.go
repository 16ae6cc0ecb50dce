// Where a stream begins, and what it says about that. Browsers cannot see headers of a stream and give up for ever on any
// other status than 200, so the verdict is the first frame, and there is a stream whatever they ask for.

package sse

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"onsale/http/view"
	"strconv"
	"time"

	"onsale/domain"
)

const (
	statusFresh    = "fresh"    // begins now, or a moment ago
	statusComplete = "complete" // begins where it was broken off; nothing is missing
	statusReset    = "reset"    // begins now, and what was before must be asked for
)

const (
	aheadTimeout  = 2 * time.Second // with an id that is ahead of this node: another one told it, this one will
	defaultRewind = 5 * time.Second // a page that asked first and listened a moment later
	maxRewind     = time.Minute
)

// connectData is the data of the first frame.
type connectData struct {
	Status   string `json:"status"`
	Message  string `json:"message"`
	From     string `json:"from"`
	Head     string `json:"head"`
	Snapshot string `json:"snapshot,omitempty"` // where the present state is, after a reset

	Order json.RawMessage `json:"order,omitempty"` // of an order's stream: how it stands, or null
}

// Resuming says whether a request for a stream names a position: it was here before, or a command's answer told it where
// to begin.
func Resuming(r *http.Request) bool { return lastEventID(r) != "" }

// ResumesAt is the position that a request for a stream names, and of which log; false when it names none.
func ResumesAt(r *http.Request) (epoch string, at view.Position, ok bool) {
	return view.ParsePosition(lastEventID(r))
}

// lastEventID is the header that a browser sends when it comes back by itself; the query is then older.
func lastEventID(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("lastEventId")
}

// streamStart is where a stream begins, and what its first frame says about that.
type streamStart struct {
	from   view.Position
	status string
	order  json.RawMessage // of an order's
}

// errRetryLater is why a stream does not begin now, which is nobody's fault: its client comes back.
var errRetryLater = errors.New("later")

// startPosition decides where the stream of c begins. The only errors are that it cannot be known now, and errRetryLater.
func (h *Hub) startPosition(ctx context.Context, r *http.Request, c *cursor) (start streamStart, err error) {
	start.from, start.status, err = h.resume(ctx, r, c.topic)
	if err == nil && c.topic.key.Kind == TopicOrder {
		err = h.startOrder(ctx, c, &start)
	}
	return start, err
}

// resume decides by what the request names.
func (h *Hub) resume(ctx context.Context, r *http.Request, t *topicState) (from view.Position, status string, err error) {
	id := lastEventID(r)
	switch {
	case id == "" && (t.feed != nil || t.key.Kind == TopicOrder): // the present state comes first: nobody need look back
		return h.currentPosition(t), statusFresh, nil
	case id == "":
		from, err = h.positionBefore(r.URL.Query().Get("rewind"))
		return from, statusFresh, err
	}
	epoch, p, ok := view.ParsePosition(id)
	if ok && epoch == h.Epoch && h.waitForNumber(ctx, p.Number, aheadTimeout) {
		h.ensureShown(t, p)
		return p, statusComplete, nil
	}
	return h.currentPosition(t), statusReset, ctx.Err()
}

// positionBefore is the position some seconds ago, as many as the query says. A stream is not refused over that figure: what is
// none is the usual one, what is too large the largest.
func (h *Hub) positionBefore(query string) (view.Position, error) {
	offset := defaultRewind
	if seconds, err := strconv.ParseUint(query, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		offset = min(time.Duration(seconds)*time.Second, maxRewind)
	}
	head := h.head()
	if offset == 0 {
		return view.Position{Number: head}, nil
	}
	number, err := h.NumberAt(domain.At(h.Now().Add(-offset)))
	if number == 0 || number > head {
		return view.Position{Number: head}, err
	}
	return view.Position{Number: number - 1}, err
}

// connectFrame is the first frame of a stream.
func (h *Hub) connectFrame(topic Topic, start streamStart) []byte {
	g := connectData{
		Status: start.status, Message: "SSE connected. userId=" + topic.ID,
		From: start.from.ID(h.Epoch), Head: view.Position{Number: h.head()}.ID(h.Epoch), Order: start.order,
	}
	switch topic.Kind {
	case TopicSchedule:
		g.Message = "SSE connected. scheduleId=" + topic.ID
	case TopicOrder:
		g.Message = "SSE connected. imp_uid=" + topic.ID
	case TopicPromotion:
		g.Message = "SSE connected. promotionId=" + topic.ID
	}
	switch start.status {
	case statusFresh:
		h.fresh.Add(1)
	case statusComplete:
		h.complete.Add(1)
	case statusReset:
		h.reset.Add(1)
		g.Snapshot = snapshotPath(topic)
	}
	b := view.AppendField(nil, "event", "connect")
	b = view.AppendID(b, h.Epoch, start.from)
	b = view.AppendRetry(b, retryDelay())
	return append(view.AppendData(b, marshal(g)), '\n')
}

// snapshotPath is the path of the present state.
func snapshotPath(topic Topic) string {
	switch topic.Kind {
	case TopicSchedule:
		return "/api/v1/schedules/" + topic.ID + "/seats"
	case TopicOrder:
		return "/api/v1/orders/" + topic.ID
	case TopicPromotion:
		return "/api/v1/promotions/" + topic.ID
	}
	return "/api/v1/me/coupons"
}

// retryDelay is how long a client should wait before it does, each another time.
func retryDelay() time.Duration {
	return 2*time.Second + rand.N(3*time.Second+time.Millisecond)
}

// A client may come with an id that another node told it and this one has not told yet. That is a matter of milliseconds.

// An arrival waits for the ring to reach the number it came with.
type positionWaiter struct {
	number  uint64
	reached chan struct{}
}

// waitForNumber waits until event number is told, but not longer than patience.
func (h *Hub) waitForNumber(ctx context.Context, number uint64, timeout time.Duration) bool {
	waiting := &positionWaiter{number, make(chan struct{})}
	h.mu.Lock()
	if number <= h.ring.head {
		h.mu.Unlock()
		return true
	}
	h.positionWaiters[waiting] = struct{}{}
	h.mu.Unlock()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-waiting.reached:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.positionWaiters, waiting)
	return number <= h.ring.head
}

// marshal is for our own types, which can always be encoded.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("sse: cannot encode: " + err.Error())
	}
	return b
}
