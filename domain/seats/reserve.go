// Making held seats the user's for good.
package seats

import (
	"slices"
	"strconv"

	"onsale/domain"
)

// ReservationID is the id of the reservation that the command at sequence made.
func ReservationID(schedule string, sequence uint64) string {
	return schedule + "-r" + strconv.FormatUint(sequence, 10)
}

// Check says which field of r has a wrong shape, as a *domain.FieldError.
func (r Reserve) Check() error { return checkEither(r.HoldID, r.ScheduleSeatIDs, true) }

// reserve carries the hold's id and its owner, so that a late comer never takes what somebody else holds by now.
func (s *State) reserve(c domain.Command, body Reserve, now domain.Time) domain.Event {
	sc, refusal := s.asked(c, body.Check(), body.ScheduleSeatIDs)
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
	reserved := Reserved{ScheduleID: c.Entity, ReservationID: ReservationID(c.Entity, c.Sequence), ScheduleSeatIDs: ids}
	var others []int
	for _, id := range ids {
		if !sc.heldBy(id, c.User, now) {
			others = append(others, id)
			continue
		}
		_, _, _, price := sc.Layout.Place(id)
		reserved.TotalPrice += price
	}
	if others != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Facts{ScheduleSeatIDs: others})
	}
	return domain.Outcome(c, reserved)
}

// holding is the command's own hold, or the event that says why it is not.
func (sc *Schedule) holding(c domain.Command, sequence uint64, now domain.Time) (*Holding, domain.Event) {
	h := sc.Holdings[sequence]
	ended, over := sc.Ended[sequence]
	switch {
	case h == nil && !over:
		return nil, domain.Reject(c, domain.HoldNotFound, domain.Facts{})
	case h != nil && h.User != c.User || h == nil && ended.User != c.User:
		return nil, domain.Reject(c, domain.NotOwner, domain.Facts{})
	case h == nil:
		return nil, domain.Reject(c, domain.HoldExpired, domain.Facts{ExpiredAt: ended.At})
	case h.ExpiresAt <= now:
		return nil, domain.Reject(c, domain.HoldExpired, domain.Facts{ExpiredAt: h.ExpiresAt})
	}
	return h, domain.Event{}
}

// outside are those of ids that are not in held.
func outside(ids, held []int) []int {
	var found []int
	for _, id := range ids {
		if !slices.Contains(held, id) {
			found = append(found, id)
		}
	}
	return found
}
