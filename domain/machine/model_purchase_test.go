// The model of purchases: what a hold or units of a product cost with a coupon, preparing a payment for them, and placing an order.

package machine_test

import (
	"fmt"
	"strings"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
)

// preparationModel is a merchant_uid that a user may pay with.
type preparationModel struct {
	orders.Prepared
	user     string
	sequence uint64
	asked    int         // so often it was time to look for a payment without an order
	askedAt  domain.Time // or when it was prepared
}

// offerModel is what a user would buy.
type offerModel struct {
	orders.Purchase
	ends    domain.Time // of the hold
	late    bool
	problem string // of the hold, or else of the coupon; with its details
}

func (w *model) quote(user, product string, count int, holdID, coupon string, now domain.Time) (o offerModel) {
	if o.HoldID = holdID; holdID != "" {
		w.offerHold(&o, user, now)
	} else {
		o.ProductID, o.Count = product, count
		if p := w.products[product]; p != nil && count >= 1 && count <= 1000 {
			o.Amount = p.Price * int64(count)
		}
	}
	if o.CouponID = coupon; coupon != "" {
		problem := ""
		o.Discount, problem = w.discount(coupon, user, o.ProductID, o.ScheduleID, o.Amount)
		if o.Amount -= o.Discount; o.problem == "" {
			o.problem = problem
		}
	}
	return o
}

// offerHold looks for a hold, also among those that ended.
func (w *model) offerHold(o *offerModel, user string, now domain.Time) {
	for _, h := range w.schedules {
		hold, past := findByID(h.holds, "h", o.HoldID), findByID(h.ended, "h", o.HoldID)
		isPast := (hold == nil || hold.offer) && past != nil && !past.offer
		if isPast {
			hold = past
		}
		if hold == nil || hold.offer {
			continue
		}
		if hold.user != user {
			o.problem = "not_owner"
			return
		}
		o.ScheduleID, o.ends, o.late = h.id, hold.expiresAt, isPast || hold.isOver(now)
		if h.Payment != "required" {
			if o.problem = "payment_not_required"; isPast { // nobody remembers the seats
				return
			}
		}
		o.ScheduleSeatIDs, o.Amount = append([]int(nil), hold.seats...), h.total(hold.seats)
		switch {
		case o.problem != "":
		case hold.payment != "":
			o.problem = fmt.Sprintf("hold_in_order [%s]", hold.payment)
		case isPast && !hold.retaken && len(hold.seats) > 0 && h.off == nil && h.taken(user, now)+len(hold.seats) <= h.MaxSeatsPerUser &&
			len(filter(hold.seats, h.availableAt(now))) == len(hold.seats): // they can be taken again
		case o.late:
			o.problem = fmt.Sprint("hold_expired ", hold.expiresAt)
		}
		return
	}
	o.problem = "hold_not_found"
}

// coupon returns the coupon with this id, and its promotion.
func (w *model) coupon(id string) (*couponModel, *promotionModel) {
	for _, s := range w.promotions {
		for i := range s.coupons {
			if fmt.Sprintf("%s-%d", s.id, i+1) == id {
				return &s.coupons[i], s
			}
		}
	}
	return nil, nil
}

// discount is what a coupon takes off an amount; or why it cannot.
func (w *model) discount(id, user, product, schedule string, amount int64) (int64, string) {
	coupon, s := w.coupon(id)
	switch {
	case coupon == nil:
		return 0, "coupon_not_found " + id
	case coupon.owner != user:
		return 0, "not_owner " + id
	case coupon.revoked:
		return 0, "revoked " + id
	case coupon.used:
		return 0, "already_used " + id
	case coupon.inOrder:
		return 0, "coupon_in_order " + id
	case s.Discount == nil:
		return 0, "coupon_not_applicable " + id
	}
	if s.AppliesTo != nil {
		applies := false
		for _, other := range s.AppliesTo.ProductIDs {
			applies = applies || other == product
		}
		for _, other := range s.AppliesTo.ScheduleIDs {
			applies = applies || other == schedule
		}
		if !applies {
			return 0, "coupon_not_applicable " + id
		}
	}
	if amount < s.MinAmount {
		return 0, fmt.Sprintf("coupon_not_applicable %s %d", id, s.MinAmount)
	}
	off := s.Discount.Amount
	if s.Discount.Kind == coupons.DiscountPercent {
		off = 0
		for off < amount && (off+1)*100 <= amount*int64(s.Discount.Percent) && (s.Discount.MaxAmount == 0 || off < s.Discount.MaxAmount) {
			off++
		}
	}
	return min(off, amount), ""
}

func invalidTerms(t orders.Terms) bool {
	const days = 30 * 24 * 3600
	return len(t.Currency) != 3 || t.PaySeconds < 1 || t.PaySeconds > days || t.MissingSeconds < 0 || t.MissingSeconds > days
}

// prepare makes a merchant_uid, and gives a hold the time that its payment may take, once.
func (w *model) prepare(c domain.Command, b orders.Prepare, now domain.Time) string {
	product := ""
	if b.HoldID == "" {
		product = c.Entity
	}
	o, p := w.quote(c.User, product, b.Count, b.HoldID, b.CouponID, now), w.products[product]
	switch {
	case b.Terms != nil && invalidTerms(*b.Terms):
		return "invalid_body"
	case b.HoldID == "" && (b.Count < 1 || b.Count > 1000):
		return "invalid_count 1000"
	case b.HoldID == "" && p == nil:
		return "product_not_found"
	case b.HoldID == "" && p.closed:
		return "product_closed"
	case w.hasTooManyOpen(c.User, b.MaxOpenOrders):
		return fmt.Sprint("too_many_open_orders ", b.MaxOpenOrders)
	}
	if problem := w.problemOf(c.User, o); problem != "" {
		return problem
	}
	if o.late {
		return fmt.Sprint("hold_expired ", o.ends)
	}
	uid := fmt.Sprintf("m%d-%.8s", c.Sequence, c.Request)
	prepared := &preparationModel{user: c.User, sequence: c.Sequence, askedAt: now,
		Prepared: orders.Prepared{MerchantUID: uid, Purchase: o.Purchase, Terms: b.Terms}}
	w.prepared[uid] = prepared
	moved := ""
	if b.Terms != nil {
		due := now + 1000*domain.Time(b.Terms.PaySeconds)
		if b.HoldID != "" {
			h := w.schedules[o.ScheduleID]
			hold := findByID(h.holds, "h", b.HoldID)
			if limit := hold.heldAt + 1000*domain.Time(h.MaxHoldSeconds); h.MaxHoldSeconds > 0 && due > limit {
				due = max(limit, hold.expiresAt)
			}
			if hold.prepared {
				due = min(due, hold.expiresAt)
			}
			if due > hold.expiresAt {
				hold.expiresAt, hold.prepared, hold.warned = due, true, due-now <= 60_000
				moved = fmt.Sprintf("\n%s can be paid until %s", b.HoldID, due)
			}
		}
		prepared.PaymentDue = due
	}
	return fmt.Sprintf("prepared %s for %s: %v until %s", uid, c.User, o.Purchase, prepared.PaymentDue) + moved
}

// problemOf says why the user cannot buy o: the units of a product, or what its hold and its coupon say.
func (w *model) problemOf(user string, o offerModel) string {
	if p := w.products[o.ProductID]; p != nil {
		if w.exceedsLimit(p, user, o.Count) {
			return fmt.Sprint("user_limit_exceeded ", p.PerUserLimit)
		}
		if o.Count > w.remaining(p) {
			return w.soldOut(p)
		}
	}
	return o.problem
}

func mismatch(amount int64) string {
	return strings.TrimSuffix(fmt.Sprint("amount_mismatch expected ", amount), " expected 0")
}

func (w *model) place(c domain.Command, b orders.Place, now domain.Time) string {
	invalid := (b.ProductID == "") == (b.HoldID == "") || invalidTerms(b.Terms)
	for _, id := range []string{b.ProductID, b.HoldID, b.CouponID} {
		invalid = invalid || id != "" && invalidID(id)
	}
	if invalid {
		return "invalid_body"
	}
	if b.HoldID == "" {
		if b.Count < 1 || b.Count > 1000 {
			return "invalid_count 1000"
		}
		if w.products[b.ProductID] == nil {
			return "product_not_found"
		}
	}
	o, imp := w.quote(c.User, b.ProductID, b.Count, b.HoldID, b.CouponID, now), c.Entity
	if imp == "free" && b.Amount == 0 && o.Amount == 0 { // nothing to pay
		imp = fmt.Sprint("free-", c.Sequence)
	}
	if existing := w.orders[imp]; existing != nil {
		if existing.user == c.User && existing.MerchantUID != "" && !existing.confirmed && existing.ProductID == b.ProductID &&
			existing.Count == b.Count && existing.HoldID == b.HoldID && existing.CouponID == b.CouponID && existing.Amount == b.Amount {
			if existing.rejected != "" {
				return existing.rejected
			}
			existing.confirmed = true
			return fmt.Sprintf("confirmed %s %s", imp, existing.status())
		}
		if !w.belongsTo(existing, c.User) {
			return "payment_already_used"
		}
	}
	if b.Amount < 0 || b.Amount == 0 && o.problem == "" && o.Amount > 0 {
		return mismatch(o.Amount)
	}
	if w.hasTooManyOpen(c.User, b.MaxOpenOrders) {
		return fmt.Sprint("too_many_open_orders ", b.MaxOpenOrders)
	}
	return w.placeQuote(imp, c.User, "", b, o, now)
}

// belongsTo says that an order failed, since its payment was prepared for this other user.
func (w *model) belongsTo(o *orderModel, user string) bool {
	if !o.settled || o.refunded || o.kept > 0 || o.user == user {
		return false
	}
	prepared := w.prepared[o.payment.MerchantUID]
	return prepared != nil && prepared.user == user
}

// placePrepared places the order of a user who has prepared and paid, and did not send it.
func (w *model) placePrepared(c domain.Command, b orders.PlacePrepared, now domain.Time) string {
	p, existing := w.prepared[b.MerchantUID], w.orders[c.Entity]
	if p == nil || w.isOrdered(p) || p.Terms == nil || c.Entity == "free" || strings.HasPrefix(c.Entity, "free-") ||
		existing != nil && !w.belongsTo(existing, p.user) {
		return ""
	}
	o := w.quote(p.user, p.ProductID, p.Count, p.HoldID, p.CouponID, now)
	w.placeQuote(c.Entity, p.user, b.MerchantUID, orders.Place{Amount: p.Amount, Terms: *p.Terms}, o, now)
	return "" // nobody is answered
}

// placeQuote places an order of o, says what that leads to, and returns the rejection. merchantUID is "" where the user has sent it.
func (w *model) placeQuote(imp, user, merchantUID string, b orders.Place, o offerModel, now domain.Time) string {
	due := now + 1000*domain.Time(b.PaySeconds)
	if o.HoldID != "" { // until the end of the hold, but as long as for a payment that is missing
		least := now + 1000*domain.Time(b.PaySeconds)
		if b.MissingSeconds > 0 {
			least = min(least, now+1000*domain.Time(b.MissingSeconds))
		}
		due = max(least, min(due, o.ends))
	}
	order := &orderModel{user: user, sequence: w.sequence, placedAt: now, changedAt: now, lastEvent: w.nextEvent(), Placed: orders.Placed{
		PaymentID: imp, Purchase: o.Purchase, PaymentDue: due, Late: o.late, MerchantUID: merchantUID, Terms: b.Terms}}
	problem, p := "", w.products[o.ProductID]
	switch {
	case p != nil && p.closed:
		problem = "product_closed"
	case o.problem == "" && b.Amount != o.Amount:
		problem = mismatch(o.Amount)
	case o.problem == "" && b.Amount == 0 && !strings.HasPrefix(imp, "free-"):
		problem = "payment_not_required"
	default:
		problem = w.problemOf(user, o)
	}
	if problem != "" && b.Amount == 0 {
		return problem
	}
	if problem != "" {
		if order.Amount == 0 {
			order.Amount, order.Discount = b.Amount, 0
		}
		order.rejected, _, _ = strings.Cut(problem, " ")
		order.rejectReason, order.Late = order.rejected, false
		w.orders[imp] = order
		w.say(fmt.Sprintf("rejected but kept, %s, for %s: %v", order.rejected, user, order.Placed))
		return problem
	}
	w.orders[imp] = order
	w.say(fmt.Sprintf("placed for %s: %v", user, order.Placed))
	w.orderHold(order, now)
	if coupon, _ := w.coupon(o.CouponID); coupon != nil {
		coupon.inOrder = true
		w.say("bound " + o.CouponID + paidBy(imp))
	}
	if order.isFree() {
		before := *order
		w.markChanged(order, now)
		w.say(w.succeed(order, orders.Payment{State: "none"}))
		w.follow(order, before, now)
	}
	return ""
}

// paidBy adds what an event names, if anything.
func paidBy(id string) string {
	if id == "" {
		return ""
	}
	return " for " + id
}

func (o *orderModel) isFree() bool { return o.Amount == 0 }

func (o *orderModel) status() string {
	switch {
	case o.settled && (o.refunded || o.kept > 0 || o.isFree()):
		return "REFUNDED"
	case o.settled:
		return "FAILED"
	case o.rejectReason != "":
		return "REFUNDING"
	case o.decided:
		return "PAID"
	case o.payment != nil:
		return "PENDING_PAYMENT"
	}
	return "VERIFYING"
}

// noteFirstUIDs keeps the merchant_uid of each order that was known first.
func (w *model) noteFirstUIDs() {
	for _, o := range w.orders {
		if o.firstUID == "" {
			o.firstUID = o.MerchantUID
		}
		if o.firstUID == "" && o.payment != nil {
			o.firstUID = o.payment.MerchantUID
		}
	}
}

// isOrdered says that the user of a preparation has an order for it that did not fail.
func (w *model) isOrdered(p *preparationModel) bool {
	for _, o := range w.orders {
		if o.firstUID == p.MerchantUID && o.user == p.user && o.status() != "FAILED" {
			return true
		}
	}
	return false
}

// preparationDeadlines are the next times when the provider is asked for payments without an order: five minutes after they were
// prepared, twenty-five later, and after a day.
func (w *model) preparationDeadlines() (deadlines []dueModel) {
	for _, p := range w.prepared {
		if p.Terms == nil || p.Amount == 0 || p.asked == 3 || w.isOrdered(p) {
			continue
		}
		wait := []time.Duration{5 * time.Minute, 25 * time.Minute, 23*time.Hour + 30*time.Minute}[p.asked]
		deadlines = append(deadlines, dueModel{p.askedAt.Add(wait), p.sequence, func() string {
			p.asked, p.askedAt = p.asked+1, w.deciding
			return fmt.Sprintf("ask %d about %s", p.asked, p.MerchantUID)
		}})
	}
	return deadlines
}
