// The dumb twin at the orders' counter: what is asked of products and of orders. An order has no status here, only what
// became known of it, and what is left of a product is found by asking all orders.
package shop_test

import (
	"fmt"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
)

type (
	twinProduct struct {
		orders.Create
		id     string
		closed bool
		some   bool   // there were units a moment ago
		last   uint64 // took the last unit
	}
	twinOrder struct {
		orders.Placed
		user     string
		line     uint64          // its place
		unwanted string          // why its money, if there is any, is not the shop's; "" while it is welcome
		note     string          // and the shop's words for it
		gone     bool            // money went back
		over     bool            // of one that is not welcome: nothing is left to give back
		told     bool            // there was a verdict
		heard    *orders.Payment // the last that was believed
		event    uint64          // changed it
		since    domain.Time     // when it changed, or was last to be asked about
		rounds   int
	}
)

func (w *twin) left(p *twinProduct) int {
	left := p.Stock
	for _, o := range w.orders {
		if o.SalePostID == p.id && o.unwanted == "" {
			left -= o.Count
		}
	}
	return left
}

// noteProducts remembers who took the last unit.
func (w *twin) noteProducts(sequence uint64) {
	for _, p := range w.products {
		if w.left(p) > 0 {
			p.some, p.last = true, 0
		} else if p.some {
			p.some, p.last = false, sequence
		}
	}
}

// duesOfOrders are all times at which the provider is to be asked again: after a minute, two, four, and so on, but for orders
// that are paid. Only the last of an order's, which is the next.
func (w *twin) duesOfOrders() (dues []twinDue) {
	for _, o := range w.orders {
		wait := time.Minute
		for range min(o.rounds, 14) {
			wait *= 2
		}
		at := o.since.Add(min(wait, time.Hour))
		switch {
		case !o.told && o.unwanted == "":
			if o.since < o.PayBy {
				at = min(at, o.PayBy)
			}
		case o.unwanted == "": // it is paid: after a day, two, and four
			if o.rounds == 3 {
				continue
			}
			at = o.since.Add(24 * time.Hour << o.rounds)
		case o.over:
			at = o.since.Add(wait) // once more, and later and later
			if o.heard.State == "cancelled" || o.rounds == 14 || o.unwanted == "payment_of_another" || o.unwanted == "payment_not_prepared" {
				continue
			}
		}
		dues = append(dues, twinDue{at, o.line, func() string {
			o.since, o.rounds = w.deciding, o.rounds+1
			return fmt.Sprintf("ask about %s, round %d, for ", o.ImpUID, o.rounds)
		}})
	}
	return dues
}

func (w *twin) ofProducts(c domain.Command) string {
	p, shapeless := w.products[c.Entity], false
	switch b := c.Body.(type) {
	case orders.Create:
		shapeless = b.Name == "" || len(b.Name) > 200 || b.Price < 1 || b.Price > 1e12 || b.Stock < 0 || b.Stock > 1e9
		if p != nil && !shapeless {
			return "product_exists"
		}
	case orders.ChangeStock:
		shapeless = b.Delta == 0 || b.Delta < -1e9 || b.Delta > 1e9 || len(b.Reason) > 500
	case orders.Close:
		shapeless = len(b.Reason) > 500
	case orders.Prepare:
		if b.Count < 1 || b.Count > 1000 {
			return "invalid_count 1000"
		}
	}
	create, is := c.Body.(orders.Create)
	switch {
	case shapeless:
		return "invalid_body"
	case is:
		w.products[c.Entity] = &twinProduct{Create: create, id: c.Entity, some: true}
		return fmt.Sprintf("product %s %q: %d at %d", c.Entity, create.Name, create.Stock, create.Price)
	case p == nil:
		return "product_not_found"
	case p.closed:
		return "product_closed"
	}
	switch b := c.Body.(type) {
	case orders.ChangeStock:
		if p.Stock+b.Delta > 1e9 {
			return "invalid_body"
		}
		if w.left(p)+b.Delta < 0 {
			return "stock_below_issued" + some(p.Stock-w.left(p))
		}
		p.Stock += b.Delta
		return fmt.Sprintf("stock of product %s by %d to %d, %s", p.id, b.Delta, p.Stock, b.Reason)
	case orders.Close:
		p.closed = true
		return fmt.Sprintf("closed product %s, %s", p.id, b.Reason)
	}
	n := c.Body.(orders.Prepare).Count
	if w.left(p) < n {
		return w.soldOut(p)
	}
	id := fmt.Sprintf("m%d-%.8s", c.Sequence, c.Request)
	w.prepared[id] = c.User
	return fmt.Sprintf("prepared %s for %s: %d of %s for %d", id, c.User, n, p.id, p.Price*int64(n))
}

func (w *twin) soldOut(p *twinProduct) string {
	return "sold_out" + some(int(p.last)) + fmt.Sprint(" of ", w.left(p))
}
