// The model of seats that are paid for: what an order does to its hold, its reservation and its coupon, what the seats' ends do to
// the order, and a performance that is called off.

package machine_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// cancellationModel is the end of a performance that does not take place.
type cancellationModel struct {
	at       domain.Time
	sequence uint64
	reason   string
}

// hasHold says that the hold is the order's, and can still become a reservation.
func (w *model) hasHold(o *orderModel) bool {
	h := w.schedules[o.ScheduleID]
	hold := findByID(h.holds, "h", o.HoldID)
	return h.off == nil && hold != nil && hold.payment == o.PaymentID
}

// lossReason is why an order loses its seats.
func (w *model) lossReason(schedule string) string {
	if w.schedules[schedule].off != nil {
		return "schedule_cancelled"
	}
	return "seats_reclaimed"
}

// orderHold gives an order its hold, one that expired with its seats.
func (w *model) orderHold(o *orderModel, now domain.Time) {
	if o.HoldID == "" {
		return
	}
	h := w.schedules[o.ScheduleID]
	hold := findByID(h.holds, "h", o.HoldID)
	if o.Late {
		hold = findByID(h.ended, "h", o.HoldID)
		h.ended = slices.DeleteFunc(h.ended, func(other *allocationModel) bool { return other == hold })
		h.removeSeats(hold.seats, now)
		h.holds = append(h.holds, hold)
		hold.warned, hold.retaken = true, true
	}
	hold.payment = o.PaymentID
	w.say(fmt.Sprintf("ordered %s %v late %t", o.HoldID, hold.seats, o.Late) + paidBy(o.PaymentID))
}

// succeed is the success of an order.
func (w *model) succeed(o *orderModel, p orders.Payment) string {
	o.decided, o.payment = true, &p
	if o.HoldID != "" {
		o.reservation = fmt.Sprintf("%s-r%d", o.ScheduleID, w.sequence)
	}
	o.couponUsed = o.CouponID != ""
	return fmt.Sprintf("success of %s for %s: %v, %v", o.PaymentID, o.user, o.Purchase, p) + paidBy(o.reservation)
}

// follow carries a change of an order on to its seats and its coupon.
func (w *model) follow(o *orderModel, before orderModel, now domain.Time) {
	coupon, _ := w.coupon(o.CouponID)
	switch {
	case o.decided && !before.decided && o.rejectReason == "": // success
		if o.reservation != "" {
			h := w.schedules[o.ScheduleID]
			hold := findByID(h.holds, "h", o.HoldID)
			ids := slices.Clone(hold.seats)
			h.removeSeats(ids, now)
			h.reserved = append(h.reserved, &allocationModel{sequence: w.sequence, user: o.user, seats: ids, payment: o.PaymentID})
			w.say(fmt.Sprintf("reserved %s %v for %d", o.reservation, ids, h.total(ids)) + paidBy(o.PaymentID) + paidBy(o.HoldID))
		}
		if coupon != nil {
			coupon.inOrder, coupon.used = false, true
			w.say("used " + o.CouponID + paidBy(o.PaymentID))
		}
	case o.settled && !before.decided: // failure
		if o.rejected != "" {
			return
		}
		if o.HoldID != "" {
			w.endOrder(o, now)
		}
		if coupon != nil {
			coupon.inOrder = false
			w.say("back " + o.CouponID + paidBy(o.PaymentID))
		}
	case o.rejectReason != "" && before.rejectReason == "" || o.settled && !before.settled:
		if o.reservation != "" {
			w.endReservation(o)
		}
		if before.couponUsed && !o.couponUsed && !coupon.revoked {
			coupon.used = false
			w.say("back " + o.CouponID + paidBy(o.PaymentID))
		}
	case before.couponUsed && !o.couponUsed && !coupon.revoked: // the rest was refunded, too
		coupon.used = false
		w.say("back " + o.CouponID + paidBy(o.PaymentID))
	}
}

// endOrder lets the hold of an order that failed go on, or expire.
func (w *model) endOrder(o *orderModel, now domain.Time) {
	h := w.schedules[o.ScheduleID]
	hold := findByID(h.holds, "h", o.HoldID)
	if hold == nil || hold.payment != o.PaymentID {
		return
	}
	hold.payment = ""
	if hold.expiresAt <= now {
		w.say(h.expire(hold, now))
		return
	}
	hold.warned = hold.warned || hold.expiresAt-now <= 60_000
	w.say(fmt.Sprintf("order of %s %v failed, held until %s", o.HoldID, hold.seats, hold.expiresAt) + paidBy(o.PaymentID))
}

// endReservation takes the seats of a paid order back.
func (w *model) endReservation(o *orderModel) {
	h := w.schedules[o.ScheduleID]
	if r := findByID(h.reserved, h.id+"-r", o.reservation); !r.cancelled {
		r.cancelled = true
		w.say(h.cancelledLine(r, r.seats) + "\nalarm reservation-cancelled for " + r.user)
	}
}

func (h *scheduleModel) cancelledLine(r *allocationModel, ids []int) string {
	return fmt.Sprintf("cancelled %s-r%d %v of %s", h.id, r.sequence, ids, r.user) + paidBy(r.payment)
}

// withdraw ends an order that has not ended, and refunds a part of it if it is paid.
func (w *model) withdraw(o *orderModel, reason, note string, percent int, now domain.Time) {
	if o.rejectReason != "" {
		return
	}
	before := *o
	w.markChanged(o, now)
	if !o.decided {
		o.rejectReason, o.note, o.payment = reason, note, nil
		w.say(fmt.Sprintf("refund of %s to %s, %s, %s: unknown payment, 0 kept", o.PaymentID, o.user, reason, note))
	} else if kept := o.Amount - o.Amount*int64(percent)/100; kept == o.Amount && o.payment.State != "paid" && !o.isFree() || kept < o.Amount {
		text := o.startRefund(reason, note, *o.payment)
		o.kept = kept
		w.say(strings.TrimSuffix(text, "0 kept") + fmt.Sprint(kept, " kept"))
	} else {
		o.note = note
		w.say(o.markRefunded(reason, *o.payment))
	}
	w.follow(o, before, now)
}

// cancelOrder is the admin's cancellation. Without a result, the provider has to be asked what was paid.
func (w *model) cancelOrder(c domain.Command, b orders.Cancel, now domain.Time) string {
	o := w.orders[c.Entity]
	switch {
	case len(b.Reason) > 500 || b.Percent != nil && (*b.Percent < 0 || *b.Percent > 100):
		return "invalid_body"
	case o == nil:
		return "order_not_found"
	case o.rejectReason != "":
		return "already_cancelled"
	}
	percent, text := 100, fmt.Sprintf("cancelled %s of %s, %d for %s%s, %s", o.PaymentID, o.user, o.Amount, o.ProductID, o.HoldID, b.Reason)
	if b.Percent != nil {
		if o.decided {
			percent = *b.Percent
		}
		text += fmt.Sprint(", refund ", o.Amount*int64(percent)/100)
	}
	w.withdraw(o, "order_cancelled", b.Reason, percent, now)
	return text
}

// cancelReservation is the user's cancellation. Of a paid reservation, so much is refunded as the first tier says that is not over.
func (w *model) cancelReservation(h *scheduleModel, c domain.Command, b seats.Cancel, now domain.Time) string {
	if invalidID(b.ReservationID) {
		return "invalid_body"
	}
	if h == nil {
		return "reservation_not_found"
	}
	r := findByID(h.reserved, h.id+"-r", b.ReservationID)
	switch {
	case r == nil:
		return "reservation_not_found"
	case r.user != c.User:
		return "not_owner"
	case r.cancelled:
		return "already_cancelled"
	case r.payment == "":
		r.cancelled = true
		return h.cancelledLine(r, r.seats)
	}
	tiers, startsAt := h.RefundTiers, h.StartsAt
	if h.off != nil { // the reservation was to be cancelled in a moment
		tiers, startsAt = []seats.RefundTier{{Percent: 100}}, now
	}
	for _, tier := range tiers {
		if now <= startsAt-1000*domain.Time(tier.UntilSeconds) {
			r.cancelled = true
			o := w.orders[r.payment]
			w.say(h.cancelledLine(r, r.seats) + fmt.Sprintf(", %d percent: %d", tier.Percent, o.Amount*int64(tier.Percent)/100))
			w.withdraw(o, "reservation_cancelled", "", tier.Percent, now)
			return ""
		}
	}
	return "cancel_closed"
}

// reclaim takes seats from their owners, with one event for each owner, in the order of the seats. What is paid, or in an order, ends as a
// whole, and is refunded.
func (w *model) reclaim(h *scheduleModel, c domain.Command, b seats.Reclaim, now domain.Time) string {
	limit := map[bool]int{false: 100, true: 40}[b.Refund]
	if len(b.ScheduleSeatIDs) > limit {
		return fmt.Sprint("too_many_seats ", limit)
	}
	if missing := h.unknownSeats(b.ScheduleSeatIDs); missing != nil {
		return fmt.Sprint("seat_not_found ", missing)
	}
	var paid []string
	for _, id := range b.ScheduleSeatIDs {
		if a := findBySeat(slices.Concat(h.holds, h.reserved), id); a != nil && a.payment != "" && !slices.Contains(paid, a.payment) {
			paid = append(paid, a.payment)
		}
	}
	if paid != nil && !b.Refund {
		return fmt.Sprint("paid_seats ", paid)
	}
	var reclaimed, done []int
	for _, id := range b.ScheduleSeatIDs {
		_, pending := h.releaseAt[id]
		a := findBySeat(slices.Concat(h.holds, h.reserved), id)
		isHold := a != nil && a.expiresAt != 0
		switch {
		case slices.Contains(done, id):
			if !slices.Contains(reclaimed, id) {
				reclaimed = append(reclaimed, id)
			}
			continue
		case !pending && (a == nil || isHold && a.isOver(now)):
			continue
		case pending:
			ids := filter(b.ScheduleSeatIDs, func(id int) bool { return h.releaseAt[id] != 0 })
			h.removeSeats(ids, now)
			w.say(fmt.Sprint("released to sale ", ids))
			done = append(done, ids...)
		case a.offer:
			done = append(done, a.seats...)
			w.say(h.expireOffer(a, now))
		case a.payment != "":
			ids := slices.Clone(a.seats)
			done, reclaimed = append(done, ids...), append(reclaimed, ids...)
			w.loseSeats(h, a, ids, isHold, b.Reason, now)
			continue
		default:
			ids := filter(b.ScheduleSeatIDs, func(id int) bool { return slices.Contains(a.seats, id) })
			done = append(done, ids...)
			w.loseSeats(h, a, ids, isHold, b.Reason, now)
		}
		reclaimed = append(reclaimed, id)
	}
	return fmt.Sprint("reclaimed ", reclaimed)
}

// loseSeats takes seats from a hold or a reservation, and refunds their order.
func (w *model) loseSeats(h *scheduleModel, a *allocationModel, ids []int, isHold bool, reason string, now domain.Time) {
	payment := a.payment
	if isHold {
		h.removeSeats(ids, now)
		w.say(fmt.Sprint("released ", ids) + paidBy(payment))
	} else {
		if kept := difference(a.seats, ids); kept != nil {
			a.seats = kept
		} else {
			a.cancelled = true
		}
		w.say(h.cancelledLine(a, ids) + "\nalarm reservation-cancelled for " + a.user)
	}
	if payment != "" {
		w.withdraw(w.orders[payment], w.lossReason(h.id), reason, 100, now)
	}
}

// callOff ends all holds and offers as if their time had come.
func (h *scheduleModel) callOff(c domain.Command, b seats.CancelSchedule, now domain.Time) string {
	if h.off != nil {
		return "already_cancelled"
	}
	h.closed, h.off = true, &cancellationModel{now, c.Sequence, b.Reason}
	for _, a := range h.holds {
		if a.expiresAt > now {
			a.expiresAt, a.warned = now, true
		}
	}
	return fmt.Sprintf("called off %s, %s", h.id, b.Reason)
}

// cancellationDeadlines are what is left to end of performances that were called off, one after the other: holds in orders,
// reservations, and all other seats at once.
func (w *model) cancellationDeadlines() (deadlines []dueModel) {
	for _, h := range w.schedules {
		if h.off == nil {
			continue
		}
		var next *allocationModel
		isHold := false
		for _, a := range h.holds {
			if a.payment != "" && (next == nil || a.sequence < next.sequence) {
				next, isHold = a, true
			}
		}
		if next == nil {
			left := slices.DeleteFunc(slices.Clone(h.reserved), func(r *allocationModel) bool { return r.cancelled })
			if len(left) > 0 {
				next = slices.MinFunc(left, func(a, b *allocationModel) int { return cmp.Compare(a.sequence, b.sequence) })
			}
		}
		free := filter(seatRange(1, h.seatCount()), func(id int) bool { return h.isFree(id) || h.releaseAt[id] != 0 })
		free = free[:min(len(free), 1000)]
		if next == nil && len(free) == 0 {
			continue
		}
		deadlines = append(deadlines, dueModel{h.off.at, h.off.sequence, func() string {
			if next != nil {
				w.loseSeats(h, next, slices.Clone(next.seats), isHold, h.off.reason, w.deciding)
				return ""
			}
			h.removeSeats(free, w.deciding)
			h.blocked = append(h.blocked, free...)
			return fmt.Sprint("blocked ", free)
		}})
	}
	return deadlines
}
