// The dumb twin at the orders' counter: an order is placed, or taken back.
package shop_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
)

func (w *twin) place(c domain.Command, b orders.Place, now domain.Time) string {
	p := w.products[b.SalePostID]
	switch {
	case badID(b.SalePostID) || len(b.Currency) != 3 || b.PaySeconds < 1 || b.PaySeconds > 30*24*3600:
		return "invalid_body"
	case b.Count < 1 || b.Count > 1000:
		return "invalid_count 1000"
	case p == nil:
		return "product_not_found"
	}
	// A payment belongs to the first who names it, but for one that was prepared for who asks now, and the first was told so.
	if first := w.orders[c.Entity]; first != nil && (!first.over || first.gone || first.user == c.User || w.prepared[first.heard.MerchantUID] != c.User) {
		return "payment_already_used"
	}
	o := &twinOrder{user: c.User, line: c.Sequence, since: now, event: w.next(), Placed: orders.Placed{
		ImpUID: c.Entity, SalePostID: b.SalePostID, Count: b.Count, Amount: p.Price * int64(b.Count),
		PayBy: now + 1000*domain.Time(b.PaySeconds), Terms: b.Terms}}
	no := ""
	switch {
	case b.Amount < 1:
		return fmt.Sprint("amount_mismatch expected ", o.Amount)
	case p.closed:
		o.unwanted, no = "product_closed", "product_closed"
	case b.Amount != o.Amount:
		o.unwanted, no = "amount_mismatch", fmt.Sprint("amount_mismatch expected ", o.Amount)
	case b.Count > w.left(p):
		o.unwanted, no = "sold_out", w.soldOut(p)
	}
	w.orders[c.Entity] = o
	if no != "" {
		return fmt.Sprintf("kept, %s, for %s: %v\n%s", o.unwanted, c.User, o.Placed, no)
	}
	return fmt.Sprintf("placed for %s: %v", c.User, o.Placed)
}

// takeBack is the shop's. What was paid for a welcome order without a verdict is yet to be heard.
func (w *twin) takeBack(c domain.Command, b orders.Cancel, now domain.Time) string {
	o := w.orders[c.Entity]
	switch {
	case len(b.Reason) > 500:
		return "invalid_body"
	case o == nil:
		return "order_not_found"
	case o.unwanted != "":
		return "already_cancelled"
	}
	payment := "nobody knows what"
	if o.told {
		payment = fmt.Sprint(*o.heard)
	} else {
		o.heard = nil
	}
	o.unwanted, o.note = "order_cancelled", b.Reason
	w.change(o, now)
	return fmt.Sprintf("refund of %s to %s, order_cancelled, %s: %s\ncancelled %s of %s, %d for %s, %s",
		o.ImpUID, o.user, b.Reason, payment, o.ImpUID, o.user, o.Amount, o.SalePostID, b.Reason)
}

// next is the number of the event that the next line tells.
func (w *twin) next() uint64 { return uint64(w.events) + 1 }

// change notes that the next line changes an order.
func (w *twin) change(o *twinOrder, now domain.Time) { o.event, o.since, o.rounds = w.next(), now, 0 }

func (w *twin) ofOrders(c domain.Command, now domain.Time) string {
	switch b := c.Body.(type) {
	case orders.Place:
		return w.place(c, b, now)
	case orders.Cancel:
		return w.takeBack(c, b, now)
	}
	learn := c.Body.(orders.Learn)
	o := w.orders[c.Entity]
	if o == nil || o.event != learn.After || !sayable(learn.Payment) {
		return ""
	}
	said := w.learn(o, learn.Payment, now)
	if said != "" {
		w.change(o, now)
	}
	return said
}
