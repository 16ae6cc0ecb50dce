// Where a stream begins, and what it says about that. Browsers cannot see headers of a stream and give up for ever on any
// other status than 200, so the verdict is the first frame, and there is a stream whatever they ask for.
package stream

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
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
	patience  = 2 * time.Second // with an id that is ahead of this node: another one told it, this one will
	rewind    = 5 * time.Second // a page that asked first and listened a moment later
	rewindMax = time.Minute
)

// greeting is the data of the first frame.
type greeting struct {
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
func ResumesAt(r *http.Request) (epoch string, at Position, ok bool) {
	return ParsePosition(lastEventID(r))
}

// lastEventID is the header that a browser sends when it comes back by itself; the query is then older.
func lastEventID(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("lastEventId")
}

// beginning is where a stream begins, and what its first frame says about that.
type beginning struct {
	from   Position
	status string
	order  json.RawMessage // of an order's
}

// errLater is why a stream does not begin now, which is nobody's fault: its client comes back.
var errLater = errors.New("later")

// begin decides where the stream of c begins. The only errors are that it cannot be known now, and errLater.
func (h *Hub) begin(ctx context.Context, r *http.Request, c *cursor) (b beginning, err error) {
	b.from, b.status, err = h.resume(ctx, r, c.topic)
	if err == nil && c.topic.key.Kind == OfOrder {
		err = h.beginOrder(ctx, c, &b)
	}
	return b, err
}

// resume decides by what the request names.
func (h *Hub) resume(ctx context.Context, r *http.Request, t *topic) (from Position, status string, err error) {
	id := lastEventID(r)
	switch {
	case id == "" && (t.board != nil || t.key.Kind == OfOrder): // the present state comes first: nobody need look back
		return h.present(t), statusFresh, nil
	case id == "":
		from, err = h.rewound(r.URL.Query().Get("rewind"))
		return from, statusFresh, err
	}
	epoch, p, ok := ParsePosition(id)
	if ok && epoch == h.Epoch && h.reach(ctx, p.Number, patience) {
		h.require(t, p)
		return p, statusComplete, nil
	}
	return h.present(t), statusReset, ctx.Err()
}

// rewound is the position some seconds ago, as many as the query says. A stream is not refused over that figure: what is
// none is the usual one, what is too large the largest.
func (h *Hub) rewound(query string) (Position, error) {
	back := rewind
	if seconds, err := strconv.ParseUint(query, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		back = min(time.Duration(seconds)*time.Second, rewindMax)
	}
	head := h.head()
	if back == 0 {
		return Position{Number: head}, nil
	}
	number, err := h.NumberAt(domain.At(h.Now().Add(-back)))
	if number == 0 || number > head {
		return Position{Number: head}, err
	}
	return Position{Number: number - 1}, err
}

// greet is the first frame of a stream.
func (h *Hub) greet(key Key, begun beginning) []byte {
	g := greeting{
		Status: begun.status, Message: "SSE connected. userId=" + key.ID,
		From: begun.from.ID(h.Epoch), Head: Position{Number: h.head()}.ID(h.Epoch), Order: begun.order,
	}
	switch key.Kind {
	case OfSchedule:
		g.Message = "SSE connected. scheduleId=" + key.ID
	case OfOrder:
		g.Message = "SSE connected. imp_uid=" + key.ID
	case OfPromotion:
		g.Message = "SSE connected. promotionId=" + key.ID
	}
	switch begun.status {
	case statusFresh:
		h.fresh.Add(1)
	case statusComplete:
		h.complete.Add(1)
	case statusReset:
		h.reset.Add(1)
		g.Snapshot = snapshot(key)
	}
	b := appendField(nil, "event", "connect")
	b = appendID(b, h.Epoch, begun.from)
	b = appendRetry(b, comeBack())
	return append(appendData(b, marshal(g)), '\n')
}

// snapshot is the path of the present state.
func snapshot(key Key) string {
	switch key.Kind {
	case OfSchedule:
		return "/api/v1/schedules/" + key.ID + "/seats"
	case OfOrder:
		return "/api/v1/orders/" + key.ID
	case OfPromotion:
		return "/api/v1/promotions/" + key.ID
	}
	return "/api/v1/me/coupons"
}

// comeBack is how long a client should wait before it does, each another time.
func comeBack() time.Duration {
	return 2*time.Second + rand.N(3*time.Second+time.Millisecond)
}
