// Seats that have to be paid for. A hold is ordered; while its order has no result it stays, and then it becomes a reservation or
// goes on to its end. Which order it is and what was paid is known to package orders; the state machine brings both together.

package seats

import (
	"slices"
	"time"

	"onsale/domain"
)

// HoldQuote is what an order or a prepared payment on a hold would buy.
type HoldQuote struct {
	ScheduleID      string
	ScheduleSeatIDs []int
	TotalPrice      int64       // list price
	ExpiresAt       domain.Time // of the hold
	Late            bool        // the hold is over, but its seats can be taken again

	prepared bool
	latest   domain.Time // that its end may be moved to; 0: any time
}

// QuoteHold returns what an order of the user on a hold would buy at now; or the code that rejects it, with what is known then.
func (s *State) QuoteHold(holdID, user string, now domain.Time) (o HoldQuote, code string, details domain.Details) {
	sequence := HoldSequence(holdID)
	sc := s.scheduleOfHold(sequence)
	if sc == nil {
		return o, domain.HoldNotFound, details
	}
	h, past := sc.allocations[sequence], sc.expired[sequence]
	if h == nil {
		h = &Allocation{User: past.User, ScheduleSeatIDs: past.ScheduleSeatIDs, ExpiresAt: past.At}
	}
	if h.User != user {
		return o, domain.NotOwner, details
	}
	o = HoldQuote{
		ScheduleID: sc.ScheduleID, ScheduleSeatIDs: slices.Clone(h.ScheduleSeatIDs), TotalPrice: sc.Layout.totalPrice(h.ScheduleSeatIDs),
		ExpiresAt: h.ExpiresAt, Late: h.isOver(now), prepared: h.Prepared,
	}
	if sc.MaxHoldSeconds > 0 {
		o.latest = h.HeldAt.Add(time.Duration(sc.MaxHoldSeconds) * time.Second)
	}
	switch {
	case sc.Payment != PaymentRequired:
		return o, domain.PaymentNotRequired, details
	case h.PaymentID != "":
		return o, domain.HoldInOrder, domain.Details{PaymentIDs: []string{h.PaymentID}}
	case o.Late && (past.Retaken || !s.canRetake(sc, sequence, h, now)):
		return o, domain.HoldExpired, sc.expiredDetails(h.ExpiresAt)
	}
	return o, "", details
}

// scheduleOfHold returns the schedule of a hold, which may have expired; or nil.
func (s *State) scheduleOfHold(sequence uint64) *Schedule {
	if sc := s.holds[sequence]; sc != nil {
		return sc
	}
	for _, sc := range s.schedules { // at most one has it
		if past, ok := sc.expired[sequence]; ok && !past.Offer {
			return sc
		}
	}
	return nil
}

// canRetake says whether the seats of a hold that expired are all free, promised to nobody, and not too many for the user. A hold
// whose end is due but was not emitted is not looked at: its seats may be in part another user's. A performance that was called off
// has free seats until they are blocked.
func (s *State) canRetake(sc *Schedule, sequence uint64, h *Allocation, now domain.Time) bool {
	if sc.Cancelled != nil || sc.allocations[sequence] != nil || len(h.ScheduleSeatIDs) == 0 || s.exceedsLimit(sc, h.User, len(h.ScheduleSeatIDs), now) {
		return false
	}
	a := s.availability(sc, now)
	return a.unavailable(h.ScheduleSeatIDs) == nil
}

// PayBy returns until when a payment can be made that should be possible until payBy: not beyond the end of the hold, which is moved
// once.
func (o HoldQuote) PayBy(payBy domain.Time) domain.Time {
	if o.prepared {
		return min(payBy, o.ExpiresAt)
	}
	if o.latest != 0 {
		payBy = min(payBy, max(o.latest, o.ExpiresAt))
	}
	return payBy
}

// IsOrdered says whether the hold is an order's, and can still become a reservation.
func (s *State) IsOrdered(scheduleID, holdID, paymentID string) bool {
	sc := s.schedules[scheduleID]
	h := sc.allocations[HoldSequence(holdID)]
	return sc.Cancelled == nil && h != nil && h.PaymentID == paymentID
}

// FollowPrepared returns what a prepared payment does to its hold.
func (s *State) FollowPrepared(scheduleID, holdID string, payBy domain.Time) (PaymentPrepared, bool) {
	h := s.schedules[scheduleID].allocations[HoldSequence(holdID)]
	return PaymentPrepared{ScheduleID: scheduleID, HoldID: holdID, ExpiresAt: payBy}, h != nil && payBy > h.ExpiresAt
}

// FollowFailed returns what the failure of an order does to its hold at now: OrderFailed or Expired. It returns nil where the hold
// is no longer the order's.
func (s *State) FollowFailed(scheduleID, holdID, paymentID string, now domain.Time) domain.Body {
	sc := s.schedules[scheduleID]
	h := sc.allocations[HoldSequence(holdID)]
	switch {
	case h == nil || h.PaymentID != paymentID:
		return nil
	case h.ExpiresAt > now:
		return OrderFailed{
			ScheduleID: scheduleID, HoldID: holdID, ScheduleSeatIDs: slices.Clone(h.ScheduleSeatIDs), PaymentID: paymentID,
			ExpiresAt: h.ExpiresAt,
		}
	}
	return sc.newExpired(h, sc.releaseAt(now))
}

// FollowSucceeded returns the reservation that a paid order makes of its hold.
func (s *State) FollowSucceeded(scheduleID, reservationID, holdID, paymentID string) Reserved {
	sc := s.schedules[scheduleID]
	ids := slices.Clone(sc.allocations[HoldSequence(holdID)].ScheduleSeatIDs)
	return Reserved{
		ScheduleID: scheduleID, ReservationID: reservationID, ScheduleSeatIDs: ids, TotalPrice: sc.Layout.totalPrice(ids),
		HoldID: holdID, PaymentID: paymentID,
	}
}

// FollowRefund returns the end of a paid reservation whose order is refunded; false where it has ended before.
func (s *State) FollowRefund(scheduleID, reservationID, reason string) (Cancelled, bool) {
	r := s.schedules[scheduleID].reservations[ReservationSequence(scheduleID, reservationID)]
	return Cancelled{
		ScheduleID: scheduleID, ReservationID: reservationID, ScheduleSeatIDs: slices.Clone(r.ScheduleSeatIDs), Reason: reason,
		PaymentID: r.PaymentID,
	}, !r.Cancelled
}

// refundPercent is RefundPercent, and everything once the performance was called off: the user may be faster than the log, which cancels
// the reservations one after another.
func (sc *Schedule) refundPercent(now domain.Time) (percent int, open bool) {
	if sc.Cancelled != nil {
		return 100, true
	}
	return sc.RefundPercent(now)
}

// RefundPercent returns what a user gets back who cancels a paid reservation at now; false when it is too late.
func (c Created) RefundPercent(now domain.Time) (percent int, open bool) {
	for _, tier := range c.RefundTiers {
		if now <= c.StartsAt.Add(-time.Duration(tier.UntilSeconds)*time.Second) {
			return tier.Percent, true
		}
	}
	return 0, false
}

// applyPayment applies the events of paid seats.
func (s *State) applyPayment(sc *Schedule, e domain.Event) {
	switch body := e.Body.(type) {
	case PaymentPrepared:
		h := sc.allocations[HoldSequence(body.HoldID)]
		h.ExpiresAt, h.Prepared, h.Warned = body.ExpiresAt, true, withinWarning(e.Now, body.ExpiresAt)
		s.deadlines.Add(scheduleDeadline{At: h.nextDeadline(), Sequence: h.Sequence, Value: sc})
	case Ordered:
		sequence := HoldSequence(body.HoldID)
		if body.Late {
			past := sc.expired[sequence]
			delete(sc.expired, sequence)
			s.RestoreAllocation(sc, Allocation{
				Sequence: sequence, User: past.User, ScheduleSeatIDs: body.ScheduleSeatIDs, ExpiresAt: past.At, HeldAt: past.At, Warned: true,
			})
		}
		sc.allocations[sequence].PaymentID = body.PaymentID
	case OrderFailed:
		h := sc.allocations[HoldSequence(body.HoldID)]
		h.PaymentID, h.Warned = "", h.Warned || withinWarning(e.Now, h.ExpiresAt)
		s.deadlines.Add(scheduleDeadline{At: h.nextDeadline(), Sequence: h.Sequence, Value: sc})
	case ScheduleCancelled:
		s.setCancelled(sc, Cancellation{At: e.Now, Sequence: e.Sequence, Reason: body.Reason})
	}
}
