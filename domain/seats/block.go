// Seats that the shop keeps off sale, and those it takes back from whoever has them.

package seats

import "onsale/domain"

// MaxReclaim bounds the seats that one Free names: what it leads to has to fit among one command's events.
const MaxReclaim = 100

// block takes seats off sale that nobody has.
func (s *State) block(c domain.Command, body Block, now domain.Time) domain.Event {
	sc, rejection := s.findScheduleSeats(c, body.Check(), body.ScheduleSeatIDs, MaxSeatsPerCommand)
	if sc == nil {
		return rejection
	}
	o := s.availability(sc, now)
	o.offersPending = false // the shop need not wait
	if taken := o.unavailable(body.ScheduleSeatIDs); taken != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: taken})
	}
	return domain.NewOutcome(c, Blocked{ScheduleID: c.Entity, ScheduleSeatIDs: body.ScheduleSeatIDs, Reason: body.Reason})
}

func (s *State) unblock(c domain.Command, body Unblock) domain.Event {
	sc, rejection := s.findScheduleSeats(c, body.Check(), body.ScheduleSeatIDs, MaxSeatsPerCommand)
	if sc == nil {
		return rejection
	}
	var others []int
	for _, id := range body.ScheduleSeatIDs {
		if sc.seats[id-1].state != stateBlocked {
			others = append(others, id)
		}
	}
	if others != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: others})
	}
	return domain.NewOutcome(c, Unblocked{ScheduleID: c.Entity, ScheduleSeatIDs: body.ScheduleSeatIDs, Reason: body.Reason})
}

// findScheduleSeats is the schedule whose seats the shop names, at most limit of them, or the event that says why not.
func (s *State) findScheduleSeats(c domain.Command, bodyErr error, ids []int, limit int) (*Schedule, domain.Event) {
	sc, rejection := s.findSchedule(c, bodyErr, 0)
	if sc == nil {
		return nil, rejection
	}
	if len(ids) > limit {
		return nil, domain.Reject(c, domain.TooManySeats, domain.Details{Limit: limit})
	}
	if missing := sc.Layout.missing(ids); missing != nil {
		return nil, domain.Reject(c, domain.SeatNotFound, domain.Details{ScheduleSeatIDs: missing})
	}
	return sc, domain.Event{}
}
