// Giving held seats back. What is not the user's is left alone, so giving back twice is no fault.

package seats

import "onsale/domain"

func (s *State) release(c domain.Command, body Release, now domain.Time) domain.Event {
	sc, rejection := s.findSchedule(c, body.Check(), len(body.ScheduleSeatIDs))
	if sc == nil {
		return rejection
	}
	ids := body.ScheduleSeatIDs
	if h := sc.allocations[HoldSequence(body.HoldID)]; h != nil {
		ids = h.ScheduleSeatIDs
	}
	released := Released{ScheduleID: c.Entity, ScheduleSeatIDs: []int{}}
	for _, id := range ids {
		if sc.heldBy(id, c.User, now) {
			released.ScheduleSeatIDs = append(released.ScheduleSeatIDs, id)
		}
	}
	released.ReleasedCount = len(released.ScheduleSeatIDs)
	return domain.NewOutcome(c, released)
}

// heldBy says that at now the seat is in a hold of user's that is not due.
func (sc *Schedule) heldBy(id int, user string, now domain.Time) bool {
	if id < 1 || id > len(sc.seats) || sc.seats[id-1].state != stateHeld {
		return false
	}
	h := sc.allocations[sc.seats[id-1].Ref]
	return h.User == user && !h.Offer && h.ExpiresAt > now
}
