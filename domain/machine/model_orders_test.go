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
		rejected     string          // the code with which it was rejected but kept; "" otherwise
		rejectReason string          // why its payment, if there is one, has to be refunded; "" while it does not
		note         string          // the admin's reason
		refunded     bool            // money was refunded
		settled      bool            // with a rejectReason: nothing is left to refund
		decided      bool            // there was a result
		payment      *orders.Payment // the last accepted answer of the provider
		lastEvent    uint64          // the last that changed it
		changedAt    domain.Time     // time of the last change or recheck
		rechecks     int
		kept         int64  // what the shop keeps after a refund
		reservation  string // that it paid for
		couponUsed   bool
		firstUID     string // the merchant_uid that was known first
		confirmed    bool   // its user sent it after onsale had placed it
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

// orderDeadlines are the next rechecks of all orders: after a minute, two, four, and so on; of a payment for seats that the provider
// does not know, each minute; of paid orders, after a day, two, and four.
func (w *model) orderDeadlines() (deadlines []dueModel) {
	for _, o := range w.orders {
		if o.isFree() || o.status() == "REFUNDED" {
			continue
		}
		wait := time.Minute
		for range min(o.rechecks, 14) {
			wait *= 2
		}
		at := o.changedAt.Add(min(wait, time.Hour))
		switch {
		case !o.decided && o.rejectReason == "":
			if o.HoldID != "" && (o.payment == nil || o.payment.State == "missing") { // every minute
				at = o.changedAt.Add(time.Minute)
			}
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

func (w *model) decideProducts(c domain.Command, now domain.Time) string {
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
		return w.prepare(c, b, now)
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
	return "unknown command"
}

func (w *model) soldOut(p *productModel) string {
	return "sold_out" + optionalNumber(int(p.soldOutBy)) + fmt.Sprint(" of ", w.remaining(p))
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
	case orders.PlacePrepared:
		return w.placePrepared(c, b, now)
	case orders.Cancel:
		return w.cancelOrder(c, b, now)
	}
	command := c.Body.(orders.RecordPayment)
	o := w.orders[c.Entity]
	if o == nil || o.isFree() || o.lastEvent != command.LastEvent || !plausible(command.Payment) {
		return ""
	}
	before := *o
	if text := w.recordPayment(o, command.Payment, now); text != "" {
		w.markChanged(o, now)
		w.say(text)
		w.follow(o, before, now)
	}
	return ""
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
		return fmt.Sprintf("prepared %s for %s: %v until %s", b.MerchantUID, e.User, b.Purchase, b.PaymentDue)
	case orders.PreparationDue:
		return fmt.Sprintf("ask %d about %s", b.Attempt, b.MerchantUID)
	case orders.Placed:
		return fmt.Sprintf("placed for %s: %v", e.User, b)
	case orders.Confirmed:
		return fmt.Sprintf("confirmed %s %s", b.PaymentID, b.Status)
	case orders.RejectedPaid:
		return fmt.Sprintf("rejected but kept, %s, for %s: %v", b.Reason, e.User, orders.Placed(b.Placement))
	case orders.Pending:
		return fmt.Sprintf("pending %s for %s: %v", b.PaymentID, e.User, b.Payment)
	case orders.Succeeded:
		return fmt.Sprintf("success of %s for %s: %v, %v", b.PaymentID, e.User, b.Purchase, b.Payment) + paidBy(b.ReservationID)
	case orders.RefundDue:
		payment := "unknown payment"
		if b.Payment != nil {
			payment = fmt.Sprint(*b.Payment)
		}
		return fmt.Sprintf("refund of %s to %s, %s, %s: %s, %d kept", b.PaymentID, e.User, b.Reason, b.Note, payment, b.Kept)
	case orders.Failed:
		return fmt.Sprintf("failure of %s for %s: %v, %s, %s: %d refunded, %v", b.PaymentID, e.User, b.Purchase, b.Reason, b.Note, b.Refunded, b.Payment)
	case orders.Refunded:
		return fmt.Sprintf("refunded %s to %s: %d, %s, %s: %v, %d kept", b.PaymentID, e.User, b.Refunded, b.Reason, b.Note, b.Payment, b.Kept) +
			paidBy(b.CouponID)
	case orders.Discrepant:
		return fmt.Sprintf("discrepant %s for %s: %v", b.PaymentID, e.User, b.Payment)
	case orders.Recheck:
		return fmt.Sprintf("recheck %d of %s for %s", b.Attempt, b.PaymentID, e.User)
	case orders.Cancelled:
		text := fmt.Sprintf("cancelled %s of %s, %d for %s%s, %s", b.PaymentID, b.UserID, b.Amount, b.ProductID, b.HoldID, b.Reason)
		if b.RefundAmount != nil {
			text += fmt.Sprint(", refund ", *b.RefundAmount)
		}
		return text
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
