// Giving held seats back. What is not the user's is left alone, so giving back twice is no fault.
package seats

import "onsale/domain"

// Check says which field of r has a wrong shape, as a *domain.FieldError.
func (r Release) Check() error { return checkEither(r.HoldID, r.ScheduleSeatIDs, false) }

// checkEither wants a hold or seats, and both only where the one narrows the other.
func checkEither(holdID string, ids []int, both bool) error {
	switch {
	case holdID == "":
		return checkSeats(ids)
	case domain.CheckID(holdID) != nil:
		return &domain.FieldError{Field: "holdId", Problem: domain.ErrInvalidID.Error()}
	case ids == nil:
		return nil
	case !both:
		return &domain.FieldError{Field: "scheduleSeatIds", Problem: "give either holdId or scheduleSeatIds"}
	}
	return checkSeats(ids)
}

func (s *State) release(c domain.Command, body Release, now domain.Time) domain.Event {
	sc, refusal := s.asked(c, body.Check(), body.ScheduleSeatIDs)
	if sc == nil {
		return refusal
	}
	ids := body.ScheduleSeatIDs
	if h := sc.Holdings[HoldSequence(body.HoldID)]; h != nil {
		ids = h.ScheduleSeatIDs
	}
	released := Released{ScheduleID: c.Entity, ScheduleSeatIDs: []int{}}
	for _, id := range ids {
		if sc.heldBy(id, c.User, now) {
			released.ScheduleSeatIDs = append(released.ScheduleSeatIDs, id)
		}
	}
	released.ReleasedCount = len(released.ScheduleSeatIDs)
	return domain.Outcome(c, released)
}

// heldBy says that at now the seat is in a hold of user's that is not due.
func (sc *Schedule) heldBy(id int, user string, now domain.Time) bool {
	if id < 1 || id > len(sc.Seats) || sc.Seats[id-1].Status != StatusHeld {
		return false
	}
	h := sc.Holdings[sc.Seats[id-1].Ref]
	return h.User == user && h.ExpiresAt > now
}
