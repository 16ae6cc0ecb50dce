// Other seats for some of a hold, in one step: nobody can take the new ones while the old ones are given back.

package seats

import "onsale/domain"

func (s *State) swap(c domain.Command, body Swap, now domain.Time) domain.Event {
	sc, rejection := s.findSchedule(c, body.Check(), len(body.Release)+len(body.Take))
	if sc == nil {
		return rejection
	}
	h, rejection := sc.findHold(c, HoldSequence(body.HoldID), now)
	if h == nil {
		return rejection
	}
	if missing := sc.Layout.missing(body.Take); missing != nil {
		return domain.Reject(c, domain.SeatNotFound, domain.Details{ScheduleSeatIDs: missing})
	}
	if sc.Closed && len(body.Take) > 0 {
		return domain.Reject(c, domain.Closed, domain.Details{})
	}
	if s.exceedsLimit(sc, c.User, len(body.Take)-len(body.Release), now) {
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Details{Limit: sc.MaxSeatsPerUser})
	}
	o := s.availability(sc, now)
	if others := append(difference(body.Release, h.ScheduleSeatIDs), o.unavailable(body.Take)...); others != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: others})
	}
	ids := append(difference(h.ScheduleSeatIDs, body.Release), body.Take...)
	if len(ids) == 0 { // that is a release
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	o.releasing = map[int]bool{}
	for _, id := range body.Release {
		o.releasing[id] = true
	}
	if rejection, rejected := o.rejectOrphans(c, body.Take); rejected {
		return rejection
	}
	return domain.NewOutcome(c, Swapped{
		ScheduleID: c.Entity, HoldID: body.HoldID, ScheduleSeatIDs: ids, HeldSeats: sc.Layout.describeAll(ids),
		TotalPrice: sc.Layout.totalPrice(ids), ExpiresAt: h.ExpiresAt, Now: now,
		Released: append([]int{}, body.Release...), Taken: append([]int{}, body.Take...),
	})
}
