// Seats that the shop keeps off sale, and those it takes back from whoever has them.
package seats

import "onsale/domain"

// MaxFree bounds the seats that one Free names: what it leads to has to fit among one command's events.
const MaxFree = 100

// block takes seats off sale that nobody has.
func (s *State) block(c domain.Command, body Block, now domain.Time) domain.Event {
	sc, refusal := s.shopAsks(c, body.Check(), body.ScheduleSeatIDs, MaxCommand)
	if sc == nil {
		return refusal
	}
	o := s.opening(sc, now)
	o.promised = false // the shop need not wait
	if taken := o.without(body.ScheduleSeatIDs); taken != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Facts{ScheduleSeatIDs: taken})
	}
	return domain.Outcome(c, Blocked{ScheduleID: c.Entity, ScheduleSeatIDs: body.ScheduleSeatIDs, Reason: body.Reason})
}

func (s *State) unblock(c domain.Command, body Unblock) domain.Event {
	sc, refusal := s.shopAsks(c, body.Check(), body.ScheduleSeatIDs, MaxCommand)
	if sc == nil {
		return refusal
	}
	var others []int
	for _, id := range body.ScheduleSeatIDs {
		if sc.Seats[id-1].is != isBlocked {
			others = append(others, id)
		}
	}
	if others != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Facts{ScheduleSeatIDs: others})
	}
	return domain.Outcome(c, Unblocked{ScheduleID: c.Entity, ScheduleSeatIDs: body.ScheduleSeatIDs, Reason: body.Reason})
}

// shopAsks is the schedule whose seats the shop names, at most limit of them, or the event that says why not.
func (s *State) shopAsks(c domain.Command, shape error, ids []int, limit int) (*Schedule, domain.Event) {
	sc, refusal := s.asked(c, shape, 0)
	if sc == nil {
		return nil, refusal
	}
	if len(ids) > limit {
		return nil, domain.Reject(c, domain.TooManySeats, domain.Facts{Limit: limit})
	}
	if missing := sc.Layout.missing(ids); missing != nil {
		return nil, domain.Reject(c, domain.SeatNotFound, domain.Facts{ScheduleSeatIDs: missing})
	}
	return sc, domain.Event{}
}
