// Orders on holds and with coupons. The kinds do not import each other: here each is asked for its part before an order is decided, and
// what becomes of the order is carried on to its seats and its coupon. All of it is one decision: the events of one command.

package machine

import (
	"onsale/domain"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// decidePurchase decides the commands that more than one kind has a part in; false for all others.
func (m *Machine) decidePurchase(c domain.Command, now domain.Time) (events []domain.Event, ok bool) {
	switch body := c.Body.(type) {
	case orders.Prepare:
		product := c.Entity
		if body.HoldID != "" {
			product = ""
		}
		return m.Orders.Prepare(c, body, m.quote(c.User, product, body.Count, body.HoldID, body.CouponID, body.Terms, now)), true
	case orders.Place:
		return m.Orders.Place(c, body, m.quote(c.User, body.ProductID, body.Count, body.HoldID, body.CouponID, nil, now), now), true
	case orders.PlacePrepared:
		p := m.Orders.Preparation(body.MerchantUID)
		if p == nil {
			return nil, true
		}
		return m.Orders.PlacePrepared(c, body, m.quote(p.User, p.ProductID, p.Count, p.HoldID, p.CouponID, nil, now), now), true
	}
	return nil, false
}

// quote returns what the user would buy, with the discount of the coupon. terms are those of a payment that is prepared.
func (m *Machine) quote(user, product string, count int, hold, coupon string, terms *orders.Terms, now domain.Time) orders.Quote {
	var o orders.Quote
	if terms != nil {
		o.PaymentDue = now.Add(terms.PayWithin())
	}
	if hold == "" {
		o.Purchase = m.Orders.PurchaseOf(product, count)
	} else {
		var held seats.HoldQuote
		held, o.Code, o.Details = m.Seats.QuoteHold(hold, user, now)
		o.Purchase = orders.Purchase{
			HoldID: hold, ScheduleID: held.ScheduleID, ScheduleSeatIDs: held.ScheduleSeatIDs, Amount: held.TotalPrice,
		}
		o.HoldEnds, o.Late = held.ExpiresAt, held.Late
		if terms != nil {
			o.PaymentDue = held.PayBy(o.PaymentDue)
		}
	}
	if coupon == "" {
		return o
	}
	o.CouponID = coupon
	discount, code, details := m.Coupons.QuoteDiscount(coupon, user, o.ProductID, o.ScheduleID, o.Amount)
	o.Discount, o.Amount = discount, o.Amount-discount
	if o.Code == "" {
		o.Code, o.Details = code, details
	}
	return o
}

// addReservation gives an order on a hold that succeeds its reservation. Where the seats are the order's no longer, or the performance
// was called off a moment ago, the payment is refunded instead.
func (m *Machine) addReservation(events []domain.Event, sequence uint64) []domain.Event {
	for i, e := range events {
		paid, ok := e.Body.(orders.Succeeded)
		if !ok || paid.HoldID == "" {
			continue
		}
		if !m.Seats.IsOrdered(paid.ScheduleID, paid.HoldID, paid.PaymentID) {
			due := orders.RefundDue{PaymentID: paid.PaymentID, Reason: m.lossReason(paid.ScheduleID), Payment: &paid.Payment}
			if off := m.Seats.Schedule(paid.ScheduleID).Cancelled; off != nil {
				due.Note = off.Reason
			}
			events[i].Body = due
			continue
		}
		paid.ReservationID = seats.ReservationID(paid.ScheduleID, sequence)
		events[i].Body = paid
	}
	return events
}

// addRefund says in the outcome how much a user gets back who cancels a paid reservation.
func (m *Machine) addRefund(events []domain.Event) []domain.Event {
	for i, e := range events {
		if c, ok := e.Body.(seats.Cancelled); ok && c.RefundPercent != nil {
			amount := m.Orders.Order(c.PaymentID).RefundAmount(*c.RefundPercent)
			c.RefundAmount = &amount
			events[i].Body = c
		}
	}
	return events
}

// followUps returns the events that e leads to in other kinds. It is asked after e was applied.
func (m *Machine) followUps(e domain.Event, sequence uint64) []domain.Event {
	switch b := e.Body.(type) {
	case orders.Prepared:
		if b.HoldID != "" {
			if moved, ok := m.Seats.FollowPrepared(b.ScheduleID, b.HoldID, b.PaymentDue); ok {
				return []domain.Event{{Entity: b.ScheduleID, User: e.User, Body: moved}}
			}
		}
	case orders.Placed:
		return m.followPlaced(e, b, sequence)
	case orders.Succeeded:
		return m.followSucceeded(e, b)
	case orders.Failed:
		return m.followFailed(e, b)
	case orders.RefundDue:
		return m.followRefund(m.Orders.Order(b.PaymentID), b.Note)
	case orders.Refunded:
		return append(m.followRefund(m.Orders.Order(b.PaymentID), b.Note), m.giveBack(e.User, b.CouponID, b.PaymentID)...)
	case seats.Cancelled:
		return m.followCancelled(b)
	case seats.Released:
		if b.PaymentID != "" {
			return m.followSeatsLost(b.PaymentID, m.lossReason(b.ScheduleID), b.Reason, 100)
		}
	}
	return nil
}

// followPlaced binds the hold and the coupon, and decides an order at once that costs nothing.
func (m *Machine) followPlaced(e domain.Event, b orders.Placed, sequence uint64) (events []domain.Event) {
	if b.HoldID != "" {
		events = append(events, domain.Event{Entity: b.ScheduleID, User: e.User, Body: seats.Ordered{
			ScheduleID: b.ScheduleID, HoldID: b.HoldID, ScheduleSeatIDs: b.ScheduleSeatIDs, PaymentID: b.PaymentID, Late: b.Late,
		}})
	}
	if b.CouponID != "" {
		bound := m.Coupons.FollowPlaced(b.CouponID, b.PaymentID)
		events = append(events, domain.Event{Entity: bound.PromotionID, User: e.User, Body: bound})
	}
	if o := m.Orders.Order(b.PaymentID); o.IsFree() {
		paid := orders.Succeeded{PaymentID: b.PaymentID, Purchase: b.Purchase, Payment: orders.Payment{State: orders.PaymentNone}}
		if b.HoldID != "" {
			paid.ReservationID = seats.ReservationID(b.ScheduleID, sequence)
		}
		events = append(events, domain.Event{Entity: b.PaymentID, User: e.User, Body: paid})
	}
	return events
}

// followSucceeded reserves the seats and uses the coupon.
func (m *Machine) followSucceeded(e domain.Event, b orders.Succeeded) (events []domain.Event) {
	if b.ReservationID != "" {
		reserved := m.Seats.FollowSucceeded(b.ScheduleID, b.ReservationID, b.HoldID, b.PaymentID)
		events = append(events, domain.Event{Entity: b.ScheduleID, User: e.User, Body: reserved})
	}
	if b.CouponID != "" {
		used := m.Coupons.FollowSucceeded(b.CouponID, b.PaymentID)
		events = append(events, domain.Event{Entity: used.PromotionID, User: e.User, Body: used})
	}
	return events
}

// followRefund takes the seats of a paid order back.
func (m *Machine) followRefund(o *orders.Order, note string) []domain.Event {
	if o.ReservationID == "" {
		return nil
	}
	cancelled, ok := m.Seats.FollowRefund(o.ScheduleID, o.ReservationID, note)
	if !ok {
		return nil
	}
	return []domain.Event{{Entity: o.ScheduleID, User: o.User, Body: cancelled}}
}

// followCancelled refunds the order of a paid reservation: what a refund tier gives to a user who cancels, everything to others.
func (m *Machine) followCancelled(b seats.Cancelled) []domain.Event {
	switch {
	case b.PaymentID == "":
		return nil
	case b.RefundPercent != nil:
		return m.followSeatsLost(b.PaymentID, orders.ReasonCancelledByUser, "", *b.RefundPercent)
	}
	return m.followSeatsLost(b.PaymentID, m.lossReason(b.ScheduleID), b.Reason, 100)
}

func (m *Machine) followSeatsLost(paymentID, reason, note string, percent int) []domain.Event {
	if event, ok := m.Orders.FollowSeatsLost(paymentID, reason, note, percent); ok {
		return []domain.Event{event}
	}
	return nil
}

// lossReason returns why an order loses the seats of a schedule.
func (m *Machine) lossReason(scheduleID string) string {
	if m.Seats.Schedule(scheduleID).Cancelled != nil {
		return orders.ReasonScheduleOff
	}
	return orders.ReasonSeatsReclaimed
}

// followFailed lets the hold go on, and gives the coupon back. An order that was rejected has neither.
func (m *Machine) followFailed(e domain.Event, b orders.Failed) (events []domain.Event) {
	if m.Orders.Order(b.PaymentID).Rejected {
		return nil
	}
	if b.HoldID != "" {
		if body := m.Seats.FollowFailed(b.ScheduleID, b.HoldID, b.PaymentID, e.Now); body != nil {
			events = append(events, domain.Event{Entity: b.ScheduleID, User: e.User, Body: body})
		}
	}
	return append(events, m.giveBack(e.User, b.CouponID, b.PaymentID)...)
}

// giveBack gives a user a coupon back; none for "".
func (m *Machine) giveBack(user, couponID, paymentID string) []domain.Event {
	if couponID == "" {
		return nil
	}
	back, ok := m.Coupons.FollowReturned(couponID, paymentID)
	if !ok {
		return nil
	}
	return []domain.Event{{Entity: back.PromotionID, User: user, Body: back}}
}
