// Making held seats the user's for good, and giving them back.
package seats

import (
	"slices"

	"onsale/domain"
)

// reserve carries the hold's id and its owner, so that a late comer never takes what somebody else holds by now.
func (s *State) reserve(c domain.Command, body Reserve, now domain.Time) domain.Event {
	sc, refusal := s.asked(c, body.Check(), len(body.ScheduleSeatIDs))
	if sc == nil {
		return refusal
	}
	ids := body.ScheduleSeatIDs
	if body.HoldID != "" {
		h, refusal := sc.holding(c, HoldSequence(body.HoldID), now)
		if h == nil {
			return refusal
		}
		if ids == nil {
			ids = slices.Clone(h.ScheduleSeatIDs)
		}
		if others := outside(ids, h.ScheduleSeatIDs); others != nil {
			return domain.Reject(c, domain.SeatUnavailable, domain.Facts{ScheduleSeatIDs: others})
		}
	}
	var others []int
	for _, id := range ids {
		if !sc.heldBy(id, c.User, now) {
			others = append(others, id)
		}
	}
	if others != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Facts{ScheduleSeatIDs: others})
	}
	return domain.Outcome(c, Reserved{
		ScheduleID: c.Entity, ReservationID: ReservationID(c.Entity, c.Sequence), ScheduleSeatIDs: ids,
		TotalPrice: sc.Layout.cost(ids),
	})
}

// holding is the command's own hold, or the event that says why it is not.
func (sc *Schedule) holding(c domain.Command, sequence uint64, now domain.Time) (*Holding, domain.Event) {
	h, stands := sc.Holdings[sequence]
	ended, over := sc.Ended[sequence]
	switch {
	case !stands && !over || stands && h.Offer || over && ended.Offer:
		return nil, domain.Reject(c, domain.HoldNotFound, domain.Facts{})
	case stands && h.User != c.User || over && ended.User != c.User:
		return nil, domain.Reject(c, domain.NotOwner, domain.Facts{})
	case over:
		return nil, domain.Reject(c, domain.HoldExpired, domain.Facts{ExpiredAt: ended.At})
	case h.ExpiresAt <= now:
		return nil, domain.Reject(c, domain.HoldExpired, domain.Facts{ExpiredAt: h.ExpiresAt})
	}
	return h, domain.Event{}
}

// cancel gives the whole of a reservation back. It stays, marked, so that the second who asks hears why not.
func (s *State) cancel(c domain.Command, body Cancel) domain.Event {
	if body.Check() != nil {
		return domain.Reject(c, domain.InvalidBody, domain.Facts{})
	}
	var r Reservation
	found := false
	if sc := s.schedules[c.Entity]; sc != nil {
		r, found = sc.Reservations[ReservationSequence(c.Entity, body.ReservationID)]
	}
	switch {
	case !found:
		return domain.Reject(c, domain.ReservationNotFound, domain.Facts{})
	case r.User != c.User:
		return domain.Reject(c, domain.NotOwner, domain.Facts{})
	case r.Cancelled:
		return domain.Reject(c, domain.AlreadyCancelled, domain.Facts{})
	}
	return domain.Outcome(c, Cancelled{
		ScheduleID: c.Entity, ReservationID: body.ReservationID, ScheduleSeatIDs: slices.Clone(r.ScheduleSeatIDs),
	})
}
