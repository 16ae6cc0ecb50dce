// Reserving held seats, and cancelling a reservation.

package seats

import (
	"slices"

	"onsale/domain"
)

// reserve checks the hold and its user, so that a late command never gets seats that another user holds by now.
func (s *State) reserve(c domain.Command, body Reserve, now domain.Time) []domain.Event {
	sc, rejection := s.findSchedule(c, len(body.ScheduleSeatIDs))
	if rejection != nil {
		return rejection
	}
	if sc.Payment == PaymentRequired {
		return domain.Reject(c, domain.PaymentRequired, domain.Details{})
	}
	ids := body.ScheduleSeatIDs
	if body.HoldID != "" {
		h, rejection := sc.findHold(c, HoldSequence(body.HoldID), now)
		if rejection != nil {
			return rejection
		}
		if ids == nil {
			ids = slices.Clone(h.ScheduleSeatIDs)
		} else if others := difference(ids, h.ScheduleSeatIDs); others != nil {
			return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: others})
		}
	}
	if others := filter(ids, func(id int) bool { return !sc.heldBy(id, c.User, now) }); others != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: others})
	}
	return domain.NewOutcome(c, Reserved{
		ScheduleID: c.Entity, ReservationID: ReservationID(c.Entity, c.Sequence), ScheduleSeatIDs: ids,
		TotalPrice: sc.Layout.totalPrice(ids),
	})
}

// cancel gives all seats of a reservation back, a paid one only while a refund tier applies. The reservation stays, marked as
// cancelled. The state machine adds how much is refunded, which only the order knows.
func (s *State) cancel(c domain.Command, body Cancel, now domain.Time) []domain.Event {
	var r Reservation
	found := false
	sc := s.schedules[c.Entity]
	if sc != nil {
		r, found = sc.Reservation(ReservationSequence(c.Entity, body.ReservationID))
	}
	switch {
	case !found:
		return domain.Reject(c, domain.ReservationNotFound, domain.Details{})
	case r.User != c.User:
		return domain.Reject(c, domain.NotOwner, domain.Details{})
	case r.Cancelled:
		return domain.Reject(c, domain.AlreadyCancelled, domain.Details{})
	}
	cancelled := Cancelled{
		ScheduleID: c.Entity, ReservationID: body.ReservationID, ScheduleSeatIDs: slices.Clone(r.ScheduleSeatIDs), PaymentID: r.PaymentID,
	}
	if r.PaymentID != "" {
		percent, open := sc.refundPercent(now)
		if !open {
			return domain.Reject(c, domain.CancelClosed, domain.Details{})
		}
		cancelled.RefundPercent = &percent
	}
	return domain.NewOutcome(c, cancelled)
}
