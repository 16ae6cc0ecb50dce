// The model of products and orders. An order has no status here, only what is known of it, and what remains of a product is
// counted over all orders.

package machine_test

import (
	"fmt"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
)

type (
	productModel struct {
		orders.Create
		id        string
		closed    bool
		hadStock  bool   // after the event before
		soldOutBy uint64 // the command that took the last unit
	}
	orderModel struct {
		orders.Placed
		user         string
		sequence     uint64
		placedAt     domain.Time
		rejectReason string          // why its payment, if there is one, has to be refunded; "" while it does not
		note         string          // the admin's reason
		refunded     bool            // money was refunded
		settled      bool            // with a rejectReason: nothing is left to refund
		decided      bool            // there was a result
		payment      *orders.Payment // the last accepted answer of the provider
		lastEvent    uint64          // the last that changed it
		changedAt    domain.Time     // time of the last change or recheck
		rechecks     int
	}
)

func (w *model) remaining(p *productModel) int {
	remaining := p.Stock
	for _, o := range w.orders {
		if o.ProductID == p.id && o.rejectReason == "" {
			remaining -= o.Count
		}
	}
	return remaining
}

// noteSoldOut keeps the command that took the last unit.
func (w *model) noteSoldOut(sequence uint64) {
	for _, p := range w.products {
		if w.remaining(p) > 0 {
			p.hadStock, p.soldOutBy = true, 0
		} else if p.hadStock {
			p.hadStock, p.soldOutBy = false, sequence
		}
	}
}

// orderDeadlines are the next rechecks of all orders: after a minute, two, four, and so on; of paid orders, after a day, two, and
// four.
func (w *model) orderDeadlines() (deadlines []dueModel) {
	for _, o := range w.orders {
		wait := time.Minute
		for range min(o.rechecks, 14) {
			wait *= 2
		}
		at := o.changedAt.Add(min(wait, time.Hour))
		switch {
		case !o.decided && o.rejectReason == "":
			for _, due := range []domain.Time{o.PaymentDue, o.missingDue()} {
				if o.changedAt < due {
					at = min(at, due)
				}
			}
		case o.rejectReason == "": // paid
			if o.rechecks == 3 {
				continue
			}
			at = o.changedAt.Add(24 * time.Hour << o.rechecks)
		case o.settled:
			at = o.changedAt.Add(wait) // not bounded by an hour
			if o.payment.State == "cancelled" || o.rechecks == 14 || o.rejectReason == "payment_of_another" || o.rejectReason == "payment_not_prepared" {
				continue
			}
		}
		deadlines = append(deadlines, dueModel{at, o.sequence, func() string {
			o.changedAt, o.rechecks = w.deciding, o.rechecks+1
			return fmt.Sprintf("recheck %d of %s for ", o.rechecks, o.PaymentID)
		}})
	}
	return deadlines
}

func (w *model) decideProducts(c domain.Command) string {
	p, invalid := w.products[c.Entity], false
	switch b := c.Body.(type) {
	case orders.Create:
		invalid = b.Name == "" || len(b.Name) > 200 || b.Price < 1 || b.Price > 1e12 || b.Stock < 0 || b.Stock > 1e9 || b.PerUserLimit < 0 || b.PerUserLimit > 1e9
		if p != nil && !invalid {
			return "product_exists"
		}
	case orders.ChangeStock:
		invalid = b.Delta == 0 || b.Delta < -1e9 || b.Delta > 1e9 || len(b.Reason) > 500
	case orders.Close:
		invalid = len(b.Reason) > 500
	case orders.Prepare:
		if b.Count < 1 || b.Count > 1000 {
			return "invalid_count 1000"
		}
	}
	create, isCreate := c.Body.(orders.Create)
	switch {
	case invalid:
		return "invalid_body"
	case isCreate:
		w.products[c.Entity] = &productModel{Create: create, id: c.Entity, hadStock: true}
		return fmt.Sprintf("product %s %q: %d at %d, %d each", c.Entity, create.Name, create.Stock, create.Price, create.PerUserLimit)
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
		if w.remaining(p)+b.Delta < 0 {
			return "stock_below_issued" + optionalNumber(p.Stock-w.remaining(p))
		}
		p.Stock += b.Delta
		return fmt.Sprintf("stock of product %s by %d to %d, %s", p.id, b.Delta, p.Stock, b.Reason)
	case orders.Close:
		p.closed = true
		return fmt.Sprintf("closed product %s, %s", p.id, b.Reason)
	}
	prepare := c.Body.(orders.Prepare)
	n := prepare.Count
	switch {
	case w.hasTooManyOpen(c.User, prepare.MaxOpenOrders):
		return fmt.Sprint("too_many_open_orders ", prepare.MaxOpenOrders)
	case w.exceedsLimit(p, c.User, n):
		return fmt.Sprint("user_limit_exceeded ", p.PerUserLimit)
	case w.remaining(p) < n:
		return w.soldOut(p)
	}
	id := fmt.Sprintf("m%d-%.8s", c.Sequence, c.Request)
	w.prepared[id] = c.User
	return fmt.Sprintf("prepared %s for %s: %d of %s for %d", id, c.User, n, p.id, p.Price*int64(n))
}

func (w *model) soldOut(p *productModel) string {
	return "sold_out" + optionalNumber(int(p.soldOutBy)) + fmt.Sprint(" of ", w.remaining(p))
}

// The model of orders: placing and cancelling.

func (w *model) place(c domain.Command, b orders.Place, now domain.Time) string {
	p := w.products[b.ProductID]
	switch {
	case invalidID(b.ProductID) || len(b.Currency) != 3 || b.PaySeconds < 1 || b.PaySeconds > 30*24*3600 ||
		b.MissingSeconds < 0 || b.MissingSeconds > 30*24*3600:
		return "invalid_body"
	case b.Count < 1 || b.Count > 1000:
		return "invalid_count 1000"
	case p == nil:
		return "product_not_found"
	}
	// A payment belongs to the first order that names it, unless that failed because the payment was prepared for this user.
	if existing := w.orders[c.Entity]; existing != nil && (!existing.settled || existing.refunded || existing.user == c.User || w.prepared[existing.payment.MerchantUID] != c.User) {
		return "payment_already_used"
	}
	o := &orderModel{user: c.User, sequence: c.Sequence, placedAt: now, changedAt: now, lastEvent: w.nextEvent(), Placed: orders.Placed{
		PaymentID: c.Entity, Purchase: orders.Purchase{ProductID: b.ProductID, Count: b.Count, Amount: p.Price * int64(b.Count)},
		PaymentDue: now + 1000*domain.Time(b.PaySeconds), Terms: b.Terms}}
	rejection := ""
	switch {
	case b.Amount < 1:
		return fmt.Sprint("amount_mismatch expected ", o.Amount)
	case w.hasTooManyOpen(c.User, b.MaxOpenOrders):
		return fmt.Sprint("too_many_open_orders ", b.MaxOpenOrders)
	case p.closed:
		o.rejectReason, rejection = "product_closed", "product_closed"
	case b.Amount != o.Amount:
		o.rejectReason, rejection = "amount_mismatch", fmt.Sprint("amount_mismatch expected ", o.Amount)
	case w.exceedsLimit(p, c.User, b.Count):
		o.rejectReason, rejection = "user_limit_exceeded", fmt.Sprint("user_limit_exceeded ", p.PerUserLimit)
	case b.Count > w.remaining(p):
		o.rejectReason, rejection = "sold_out", w.soldOut(p)
	}
	w.orders[c.Entity] = o
	if rejection != "" {
		return fmt.Sprintf("rejected but kept, %s, for %s: %v\n%s", o.rejectReason, c.User, o.Placed, rejection)
	}
	return fmt.Sprintf("placed for %s: %v", c.User, o.Placed)
}

// hasTooManyOpen counts the user's orders without a result.
func (w *model) hasTooManyOpen(user string, limit int) bool {
	open := 0
	for _, o := range w.orders {
		if o.user == user && !o.decided {
			open++
		}
	}
	return limit > 0 && open >= limit
}

// exceedsLimit counts the units of the user's orders, as remaining does those of all.
func (w *model) exceedsLimit(p *productModel, user string, count int) bool {
	for _, o := range w.orders {
		if o.ProductID == p.id && o.user == user && o.rejectReason == "" {
			count += o.Count
		}
	}
	return p.PerUserLimit > 0 && count > p.PerUserLimit
}

// missingDue is when an order without a payment fails.
func (o *orderModel) missingDue() domain.Time {
	if o.payment != nil && o.payment.State != "missing" || o.MissingSeconds == 0 || o.MissingSeconds > o.PaySeconds {
		return o.PaymentDue
	}
	return o.placedAt + 1000*domain.Time(o.MissingSeconds)
}

// cancelOrder is the admin's cancellation. Without a result, the provider has to be asked what was paid.
func (w *model) cancelOrder(c domain.Command, b orders.Cancel, now domain.Time) string {
	o := w.orders[c.Entity]
	switch {
	case len(b.Reason) > 500:
		return "invalid_body"
	case o == nil:
		return "order_not_found"
	case o.rejectReason != "":
		return "already_cancelled"
	}
	payment := "unknown payment"
	if o.decided {
		payment = fmt.Sprint(*o.payment)
	} else {
		o.payment = nil
	}
	o.rejectReason, o.note = "order_cancelled", b.Reason
	w.markChanged(o, now)
	return fmt.Sprintf("refund of %s to %s, order_cancelled, %s: %s\ncancelled %s of %s, %d for %s, %s",
		o.PaymentID, o.user, b.Reason, payment, o.PaymentID, o.user, o.Amount, o.ProductID, b.Reason)
}

// nextEvent is the number of the next event.
func (w *model) nextEvent() uint64 { return uint64(w.events) + 1 }

// markChanged notes that the next event changes o.
func (w *model) markChanged(o *orderModel, now domain.Time) {
	o.lastEvent, o.changedAt, o.rechecks = w.nextEvent(), now, 0
}

func (w *model) decideOrders(c domain.Command, now domain.Time) string {
	switch b := c.Body.(type) {
	case orders.Place:
		return w.place(c, b, now)
	case orders.Cancel:
		return w.cancelOrder(c, b, now)
	}
	command := c.Body.(orders.RecordPayment)
	o := w.orders[c.Entity]
	if o == nil || o.lastEvent != command.LastEvent || !plausible(command.Payment) {
		return ""
	}
	text := w.recordPayment(o, command.Payment, now)
	if text != "" {
		w.markChanged(o, now)
	}
	return text
}

// describeOrder is the model's line for an event about a product or an order; "" for other events.
func describeOrder(e domain.Event) string {
	switch b := e.Body.(type) {
	case orders.Created:
		return fmt.Sprintf("product %s %q: %d at %d, %d each", b.ProductID, b.Name, b.Stock, b.Price, b.PerUserLimit)
	case orders.StockChanged:
		return fmt.Sprintf("stock of product %s by %d to %d, %s", b.ProductID, b.Delta, b.Stock, b.Reason)
	case orders.Closed:
		return fmt.Sprintf("closed product %s, %s", b.ProductID, b.Reason)
	case orders.Prepared:
		return fmt.Sprintf("prepared %s for %s: %d of %s for %d", b.MerchantUID, e.User, b.Count, b.ProductID, b.Amount)
	case orders.Placed:
		return fmt.Sprintf("placed for %s: %v", e.User, b)
	case orders.RejectedPaid:
		return fmt.Sprintf("rejected but kept, %s, for %s: %v", b.Reason, e.User, orders.Placed(b.Placement))
	case orders.Pending:
		return fmt.Sprintf("pending %s for %s: %v", b.PaymentID, e.User, b.Payment)
	case orders.Succeeded:
		return fmt.Sprintf("success of %s for %s: %d of %s for %d, %v", b.PaymentID, e.User, b.Count, b.ProductID, b.Amount, b.Payment)
	case orders.RefundDue:
		payment := "unknown payment"
		if b.Payment != nil {
			payment = fmt.Sprint(*b.Payment)
		}
		return fmt.Sprintf("refund of %s to %s, %s, %s: %s", b.PaymentID, e.User, b.Reason, b.Note, payment)
	case orders.Failed:
		return fmt.Sprintf("failure of %s for %s: %d of %s for %d, %s, %s: %d refunded, %v", b.PaymentID, e.User, b.Count, b.ProductID, b.Amount,
			b.Reason, b.Note, b.Refunded, b.Payment)
	case orders.Refunded:
		return fmt.Sprintf("refunded %s to %s: %d, %s, %s: %v", b.PaymentID, e.User, b.Refunded, b.Reason, b.Note, b.Payment)
	case orders.Discrepant:
		return fmt.Sprintf("discrepant %s for %s: %v", b.PaymentID, e.User, b.Payment)
	case orders.Recheck:
		return fmt.Sprintf("recheck %d of %s for %s", b.Attempt, b.PaymentID, e.User)
	case orders.Cancelled:
		return fmt.Sprintf("cancelled %s of %s, %d for %s, %s", b.PaymentID, b.UserID, b.Amount, b.ProductID, b.Reason)
	}
	return ""
}

// outcomeLabel is an event's type, with the reason of a refund or a failure: random tests have to reach each.
func outcomeLabel(body domain.Body) string {
	name, _ := body.Type()
	switch b := body.(type) {
	case orders.RefundDue:
		return name + " " + b.Reason
	case orders.Failed:
		return name + " " + b.Reason
	case orders.Refunded:
		return name + " " + b.Reason
	}
	return name
}
