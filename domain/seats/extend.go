// More time for a hold.

package seats

import (
	"time"

	"onsale/domain"
)

// extend begins the time of a hold anew, but not beyond what the schedule allows in all. One that would win nothing by it is
// told that there is no more.
func (s *State) extend(c domain.Command, body Extend, now domain.Time) domain.Event {
	sc, rejection := s.findSchedule(c, body.Check(), 0)
	if sc == nil {
		return rejection
	}
	h, rejection := sc.findHold(c, HoldSequence(body.HoldID), now)
	if h == nil {
		return rejection
	}
	end := sc.holdEnd(now)
	if sc.MaxHoldSeconds > 0 {
		end = min(end, h.HeldAt.Add(time.Duration(sc.MaxHoldSeconds)*time.Second))
	}
	if h.Extensions >= sc.MaxExtensions || end <= h.ExpiresAt {
		return domain.Reject(c, domain.ExtendLimitExceeded, domain.Details{Limit: sc.MaxExtensions})
	}
	return domain.NewOutcome(c, Extended{ScheduleID: c.Entity, HoldID: body.HoldID, ExpiresAt: end, Now: now})
}
