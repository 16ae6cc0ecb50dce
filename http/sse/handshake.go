// The start of a stream: its position, and the first frame, which says how the stream begins. Browsers cannot read the
// headers of a stream and give up permanently on any status but 200, so the first frame is the place for that, and every
// request for a stream gets one.

package sse

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"onsale/domain"
	"onsale/http/view"
)

const (
	statusFresh    = "fresh"    // begins now, or a moment ago
	statusComplete = "complete" // resumes where it was cut; nothing is missing
	statusReset    = "reset"    // begins now; what was before must be fetched
)

const (
	aheadTimeout  = 2 * time.Second // for an id of another node that is ahead of this one
	defaultRewind = 5 * time.Second // for a page that sent a command a moment before it subscribed
	maxRewind     = time.Minute
)

// connectData is the data of the first frame.
type connectData struct {
	Status   string `json:"status"`
	Message  string `json:"message"`
	From     string `json:"from"`
	Head     string `json:"head"`
	Snapshot string `json:"snapshot,omitempty"` // the path of the present state, after a reset

	Order json.RawMessage `json:"order,omitempty"` // in an order's stream: the order, or null
}

// Resuming reports whether a request for a stream names a position: its client was connected before, or got it in the
// response to a command.
func Resuming(r *http.Request) bool { return lastEventID(r) != "" }

// ResumesAt is the position that a request for a stream names, and the epoch of its log; false: none.
func ResumesAt(r *http.Request) (epoch string, at view.Position, ok bool) {
	return view.ParsePosition(lastEventID(r))
}

// lastEventID prefers the header: a browser that reconnects sends it, and then the query is older. Of several the last counts:
// a client that appends its own to a link that has one is further than the link.
func lastEventID(r *http.Request) string {
	for _, ids := range [][]string{r.Header.Values("Last-Event-ID"), queryIDs(r.URL.RawQuery)} {
		for _, id := range slices.Backward(ids) {
			if id != "" {
				return id
			}
		}
	}
	return ""
}

// queryIDs are the values of lastEventId. One that cannot be decoded, which url.ParseQuery leaves out, is returned as it is: no stream has
// sent such an id.
func queryIDs(query string) (ids []string) {
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key, err := url.QueryUnescape(key); err != nil || key != "lastEventId" {
			continue
		}
		if decoded, err := url.QueryUnescape(value); err == nil {
			value = decoded
		}
		ids = append(ids, value)
	}
	return ids
}

// streamStart is where a stream begins.
type streamStart struct {
	from   view.Position
	status string
	order  json.RawMessage // in an order's stream
}

// errRetryLater rejects a stream that cannot begin now; its client reconnects.
var errRetryLater = errors.New("retry later")

// startPosition decides where the stream of c begins. An error, errRetryLater among them, means that it cannot begin now.
func (h *Hub) startPosition(ctx context.Context, r *http.Request, c *cursor) (start streamStart, err error) {
	start.from, start.status, err = h.resume(ctx, r, c.topic)
	if err == nil && c.topic.key.Kind == TopicOrder {
		err = h.startOrder(ctx, c, &start)
	}
	return start, err
}

func (h *Hub) resume(ctx context.Context, r *http.Request, t *topicState) (from view.Position, status string, err error) {
	id := lastEventID(r)
	switch {
	case id == "" && (t.feed != nil || t.key.Kind == TopicOrder): // the present state comes first, so no rewind is needed
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

// positionBefore is the position some seconds ago. A stream is not rejected over that number: an invalid one means the
// default, one that is too large the maximum.
func (h *Hub) positionBefore(query string) (view.Position, error) {
	offset := defaultRewind
	if seconds, err := strconv.ParseUint(query, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		offset = min(time.Duration(seconds)*time.Second, maxRewind)
	}
	head := h.head()
	if offset == 0 {
		return view.Position{Number: head}, nil
	}
	number, err := h.Source.EventNumberAt(domain.At(h.Now().Add(-offset)))
	if number == 0 || number > head {
		return view.Position{Number: head}, err
	}
	return view.Position{Number: number - 1}, err
}

// connectFrame is the first frame of a stream.
func (h *Hub) connectFrame(topic Topic, start streamStart) []byte {
	d := connectData{
		Status: start.status, Message: "SSE connected. userId=" + topic.ID,
		From: start.from.ID(h.Epoch), Head: view.Position{Number: h.head()}.ID(h.Epoch), Order: start.order,
	}
	switch topic.Kind {
	case TopicSchedule:
		d.Message = "SSE connected. scheduleId=" + topic.ID
	case TopicOrder:
		d.Message = "SSE connected. imp_uid=" + topic.ID
	case TopicPromotion:
		d.Message = "SSE connected. promotionId=" + topic.ID
	case TopicFeed:
		d.Message = "SSE connected. feed"
	}
	h.countStart(start.status)
	if start.status == statusReset {
		d.Snapshot = h.snapshotPath(topic)
	}
	b := view.AppendField(nil, "event", "connect")
	b = view.AppendRetry(b, retryDelay())
	return view.AppendEnd(view.AppendData(b, marshal(d)), h.Epoch, start.from)
}

func (h *Hub) countStart(status string) {
	switch status {
	case statusFresh:
		h.fresh.Add(1)
	case statusComplete:
		h.complete.Add(1)
	case statusReset:
		h.reset.Add(1)
	}
}

// snapshotPath is the path of the present state. That of the feed is the whole log.
func (h *Hub) snapshotPath(topic Topic) string {
	switch topic.Kind {
	case TopicFeed:
		return "/api/v1/admin/events?lastEventId=" + view.Position{}.ID(h.Epoch)
	case TopicSchedule:
		return "/api/v1/schedules/" + topic.ID + "/seats"
	case TopicOrder:
		return "/api/v1/orders/" + topic.ID
	case TopicPromotion:
		return "/api/v1/promotions/" + topic.ID
	}
	return "/api/v1/me/coupons"
}

// positionWaiter waits for the ring to reach a number: of an id from another node, which is ahead by milliseconds.
type positionWaiter struct {
	number  uint64
	reached chan struct{}
}

// waitForNumber waits until event number is delivered, up to timeout.
func (h *Hub) waitForNumber(ctx context.Context, number uint64, timeout time.Duration) bool {
	w := &positionWaiter{number, make(chan struct{})}
	h.mu.Lock()
	if number <= h.ring.head {
		h.mu.Unlock()
		return true
	}
	h.positionWaiters[w] = struct{}{}
	h.mu.Unlock()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-w.reached:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.positionWaiters, w)
	return number <= h.ring.head
}

// marshal is for our own types, which can be encoded.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("sse: cannot encode: " + err.Error())
	}
	return b
}
