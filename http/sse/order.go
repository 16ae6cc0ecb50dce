// How an order is decided, for whoever paid and waits. The stream tells the verdict, which comes once, and then ends; who
// comes later, or again, is told it again, wherever it lies in the log.
//
// A payment may get a second order, when its first user was told that it was prepared for somebody else. So a stream is
// bound to a user: others' verdicts are not told, and where others' orders appear it ends, for the door to say what that is.

package sse

import (
	"context"
	"encoding/json"
	"net/http"
	"onsale/http/view"

	"onsale/domain"
	"onsale/domain/orders"
)

// OrderView is how an order stands.
type OrderView struct {
	User        string // its user
	ResultEvent uint64 // number of the event that decided it; 0: none has
	Order       any    // what the first frame shows of it, as JSON
}

// Order serves the stream of the order that has the payment impUID to asker, whose it must be; "" may watch anybody's. One
// that is not known yet is waited for.
func (h *Hub) Order(w http.ResponseWriter, r *http.Request, impUID, user string) {
	content := view.OrderResult
	if r.URL.Query().Get("data") == "text" {
		content = view.OrderResultText
	}
	initial := cursor{audience: inLanguage(r, content)}
	if user != "" {
		initial.expectedUser = &user
	}
	h.serve(w, r, Topic{TopicOrder, impUID}, initial)
}

// startOrder begins just before the verdict, whatever was seen, and without one where the ring was before the store was
// asked, which is where the ring begins to wake this stream. A verdict that is in the store only is waited for: the first
// frame, which shows the order, must not be ahead of what is told.
func (h *Hub) startOrder(ctx context.Context, c *cursor, start *streamStart) error {
	start.from, start.order = h.currentPosition(c.topic), json.RawMessage("null")
	state, known, err := h.Config.OrderView(c.topic.key.ID)
	switch {
	case err != nil || !known:
		return err
	case c.expectedUser != nil && state.User != *c.expectedUser || !h.waitForNumber(ctx, state.ResultEvent, aheadTimeout):
		return errRetryLater
	case state.ResultEvent > 0:
		start.from = view.Position{Number: state.ResultEvent - 1}
	}
	c.expectedUser, start.order = new(state.User), marshal(state.Order)
	return nil
}

// wantsResult says whether e is the verdict for c, and notes when there is nothing to come after it.
func (c *cursor) wantsResult(e *domain.Event) bool {
	isResult, isStart := view.ResultName(e) != "", false
	switch e.Body.(type) {
	case orders.Placed, orders.RejectedPaid:
		isStart = true
	}
	foreign := c.expectedUser != nil && e.User != *c.expectedUser
	if isResult && !foreign || isStart && foreign {
		c.endsAfter = e.Number
	}
	return isResult && !foreign
}

// done says that c took all that it ever will.
func (c *cursor) done() bool { return c.endsAfter != 0 && c.at.Seen() >= c.endsAfter }
