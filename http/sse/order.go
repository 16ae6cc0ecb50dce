// Streams of orders, for the user who has paid and waits. A stream sends the result, once, and ends; a client that comes
// later, or again, gets it again, wherever it is in the log.
//
// A payment may get a second order, when the first failed because the payment was prepared for another user. So a stream is
// bound to a user: results of other users' orders are skipped, and where another user's order appears the stream ends, and
// the next request is answered with 403.

package sse

import (
	"context"
	"encoding/json"
	"net/http"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/auth"
	"onsale/http/view"
)

// Order serves the stream of the order with the payment impUID. It must be owner's, unless owner is "". The order may not
// exist yet.
func (h *Hub) Order(w http.ResponseWriter, r *http.Request, who auth.Identity, impUID, owner string) {
	content := view.OrderResult
	if r.URL.Query().Get("data") == "text" {
		content = view.OrderResultText
	}
	initial := cursor{audience: inLanguage(r, content)}
	if owner != "" {
		initial.expectedUser = &owner
	}
	h.serve(w, r, Topic{TopicOrder, impUID}, initial, who.Expires)
}

// startOrder begins just before the result, whatever was seen. Without a result it begins where the ring was before the
// store was read, from where the ring wakes this stream. A result that is only in the store is waited for: the first frame
// shows the order, and must not be ahead of what is delivered.
func (h *Hub) startOrder(ctx context.Context, c *cursor, start *streamStart) error {
	start.from, start.order = h.currentPosition(c.topic), json.RawMessage("null")
	order, known, err := h.snapshots.order(c.topic.key.ID)
	switch {
	case err != nil || !known:
		return err
	case c.expectedUser != nil && order.user != *c.expectedUser || !h.waitForNumber(ctx, order.resultEvent, aheadTimeout):
		return errRetryLater
	case order.resultEvent > 0:
		start.from = view.Position{Number: order.resultEvent - 1}
	}
	c.expectedUser, start.order = new(order.user), marshal(order.fields)
	return nil
}

// wantsResult reports whether e is the result for c, and notes if nothing comes after it.
func (c *cursor) wantsResult(e *domain.Event) bool {
	isResult, isPlaced := view.ResultName(e) != "", false
	switch e.Body.(type) {
	case orders.Placed, orders.RejectedPaid:
		isPlaced = true
	}
	foreign := c.expectedUser != nil && e.User != *c.expectedUser
	if isResult && !foreign || isPlaced && foreign {
		c.endsAfter = e.Number
	}
	return isResult && !foreign
}

// done reports whether c has taken all there will be.
func (c *cursor) done() bool { return c.endsAfter != 0 && c.at.Seen() >= c.endsAfter }
