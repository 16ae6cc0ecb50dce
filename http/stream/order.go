// How an order is decided, for whoever paid and waits. The stream tells the verdict, which comes once, and then ends; who
// comes later, or again, is told it again, wherever it lies in the log.
//
// A payment may get a second order, when its first user was told that it was prepared for somebody else. So a stream is
// bound to a user: others' verdicts are not told, and where others' orders appear it ends, for the door to say what that is.
package stream

import (
	"context"
	"encoding/json"
	"net/http"

	"onsale/domain"
	"onsale/domain/orders"
)

// OrderView is how an order stands.
type OrderView struct {
	Owner   string // its user
	Verdict uint64 // number of the event that decided it; 0: none has
	Order   any    // what the first frame shows of it, as JSON
}

// Order serves the stream of the order that has the payment impUID to asker, whose it must be; "" may watch anybody's. One
// that is not known yet is waited for.
func (h *Hub) Order(w http.ResponseWriter, r *http.Request, impUID, asker string) {
	by := cursor{audience: orderKorean}
	if r.URL.Query().Get("data") == "text" {
		by.audience = orderTextKorean
	}
	by.audience = inLanguage(r, by.audience)
	if asker != "" {
		by.owner = &asker
	}
	h.serve(w, r, Key{OfOrder, impUID}, by)
}

// beginOrder begins just before the verdict, whatever was seen, and without one where the ring was before the store was
// asked, which is where the ring begins to wake this stream. A verdict that is in the store only is waited for: the first
// frame, which shows the order, must not be ahead of what is told.
func (h *Hub) beginOrder(ctx context.Context, c *cursor, b *beginning) error {
	b.from, b.order = h.present(c.topic), json.RawMessage("null")
	view, known, err := h.Config.Order(c.topic.key.ID)
	switch {
	case err != nil || !known:
		return err
	case c.owner != nil && view.Owner != *c.owner || !h.reach(ctx, view.Verdict, patience):
		return errLater
	case view.Verdict > 0:
		b.from = Position{Number: view.Verdict - 1}
	}
	c.owner, b.order = new(view.Owner), marshal(view.Order)
	return nil
}

// hears says whether e is the verdict for c, and notes when there is nothing to come after it.
func (c *cursor) hears(e *domain.Event) bool {
	decides, begins := verdict(e) != "", false
	switch e.Body.(type) {
	case orders.Placed, orders.Kept:
		begins = true
	}
	others := c.owner != nil && e.User != *c.owner
	if decides && !others || begins && others {
		c.last = e.Number
	}
	return decides && !others
}

// over says that c took all that it ever will.
func (c *cursor) over() bool { return c.last != 0 && c.at.seen() >= c.last }
