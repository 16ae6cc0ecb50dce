// Making held seats the user's for good, and giving them back.

package seats

import (
	"slices"

	"onsale/domain"
)

// reserve carries the hold's id and its owner, so that a late comer never takes what somebody else holds by now.
func (s *State) reserve(c domain.Command, body Reserve, now domain.Time) domain.Event {
	sc, rejection := s.findSchedule(c, body.Check(), len(body.ScheduleSeatIDs))
	if sc == nil {
		return rejection
	}
	ids := body.ScheduleSeatIDs
	if body.HoldID != "" {
		h, rejection := sc.findHold(c, HoldSequence(body.HoldID), now)
		if h == nil {
			return rejection
		}
		if ids == nil {
			ids = slices.Clone(h.ScheduleSeatIDs)
		}
		if others := difference(ids, h.ScheduleSeatIDs); others != nil {
			return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: others})
		}
	}
	var others []int
	for _, id := range ids {
		if !sc.heldBy(id, c.User, now) {
			others = append(others, id)
		}
	}
	if others != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: others})
	}
	return domain.NewOutcome(c, Reserved{
		ScheduleID: c.Entity, ReservationID: ReservationID(c.Entity, c.Sequence), ScheduleSeatIDs: ids,
		TotalPrice: sc.Layout.totalPrice(ids),
	})
}

// findHold is the command's own hold, or the event that says why it is not.
func (sc *Schedule) findHold(c domain.Command, sequence uint64, now domain.Time) (*Allocation, domain.Event) {
	h, active := sc.allocations[sequence]
	past, expired := sc.expired[sequence]
	switch {
	case !active && !expired || active && h.Offer || expired && past.Offer:
		return nil, domain.Reject(c, domain.HoldNotFound, domain.Details{})
	case active && h.User != c.User || expired && past.User != c.User:
		return nil, domain.Reject(c, domain.NotOwner, domain.Details{})
	case expired:
		return nil, domain.Reject(c, domain.HoldExpired, domain.Details{ExpiredAt: past.At})
	case h.ExpiresAt <= now:
		return nil, domain.Reject(c, domain.HoldExpired, domain.Details{ExpiredAt: h.ExpiresAt})
	}
	return h, domain.Event{}
}

// cancel gives the whole of a reservation back. It stays, marked, so that the second who asks hears why not.
func (s *State) cancel(c domain.Command, body Cancel) domain.Event {
	if body.Check() != nil {
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	var r Reservation
	found := false
	if sc := s.schedules[c.Entity]; sc != nil {
		r, found = sc.reservations[ReservationSequence(c.Entity, body.ReservationID)]
	}
	switch {
	case !found:
		return domain.Reject(c, domain.ReservationNotFound, domain.Details{})
	case r.User != c.User:
		return domain.Reject(c, domain.NotOwner, domain.Details{})
	case r.Cancelled:
		return domain.Reject(c, domain.AlreadyCancelled, domain.Details{})
	}
	return domain.NewOutcome(c, Cancelled{
		ScheduleID: c.Entity, ReservationID: body.ReservationID, ScheduleSeatIDs: slices.Clone(r.ScheduleSeatIDs),
	})
}
