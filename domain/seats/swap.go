// Other seats for some of a hold, in one step: nobody can take the new ones while the old ones are given back.
package seats

import "onsale/domain"

func (s *State) swap(c domain.Command, body Swap, now domain.Time) domain.Event {
	sc, refusal := s.asked(c, body.Check(), len(body.Release)+len(body.Take))
	if sc == nil {
		return refusal
	}
	h, refusal := sc.holding(c, HoldSequence(body.HoldID), now)
	if h == nil {
		return refusal
	}
	if missing := sc.Layout.missing(body.Take); missing != nil {
		return domain.Reject(c, domain.SeatNotFound, domain.Facts{ScheduleSeatIDs: missing})
	}
	if sc.Closed && len(body.Take) > 0 {
		return domain.Reject(c, domain.Closed, domain.Facts{})
	}
	if s.exceeds(sc, c.User, len(body.Take)-len(body.Release), now) {
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Facts{Limit: sc.MaxSeatsPerUser})
	}
	o := s.opening(sc, now)
	if others := append(outside(body.Release, h.ScheduleSeatIDs), o.without(body.Take)...); others != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Facts{ScheduleSeatIDs: others})
	}
	ids := append(outside(h.ScheduleSeatIDs, body.Release), body.Take...)
	if len(ids) == 0 { // that is a release
		return domain.Reject(c, domain.InvalidBody, domain.Facts{})
	}
	o.given = map[int]bool{}
	for _, id := range body.Release {
		o.given[id] = true
	}
	if refusal, refused := o.refuseOrphans(c, body.Take); refused {
		return refusal
	}
	return domain.Outcome(c, Swapped{
		ScheduleID: c.Entity, HoldID: body.HoldID, ScheduleSeatIDs: ids, HeldSeats: sc.Layout.describe(ids),
		TotalPrice: sc.Layout.cost(ids), ExpiresAt: h.ExpiresAt, Now: now,
		Released: append([]int{}, body.Release...), Taken: append([]int{}, body.Take...),
	})
}
