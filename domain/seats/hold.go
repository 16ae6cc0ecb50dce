// Holding seats: all of those named, or none; or the best that there are.
package seats

import (
	"time"

	"onsale/domain"
)

func (s *State) hold(c domain.Command, body Hold, now domain.Time) domain.Event {
	ids, best, count := body.ScheduleSeatIDs, body.BestAvailable, len(body.ScheduleSeatIDs)
	if best != nil {
		count = best.Count
	}
	sc, refusal := s.asked(c, body.Check(), count)
	if sc == nil {
		return refusal
	}
	if missing := sc.Layout.missing(ids); missing != nil {
		return domain.Reject(c, domain.SeatNotFound, domain.Facts{ScheduleSeatIDs: missing})
	}
	if best != nil && !sc.Layout.hasSection(best.Section) {
		return domain.Reject(c, domain.SeatNotFound, domain.Facts{Section: best.Section})
	}
	if sc.Closed {
		return domain.Reject(c, domain.Closed, domain.Facts{})
	}
	if s.exceeds(sc, c.User, count, now) {
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Facts{Limit: sc.MaxSeatsPerUser})
	}
	o := s.opening(sc, now)
	if best != nil {
		return o.holdBest(c, *best)
	}
	if taken := o.without(ids); taken != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Facts{ScheduleSeatIDs: taken})
	}
	if refusal, refused := o.refuseOrphans(c, ids); refused {
		return refusal
	}
	return domain.Outcome(c, sc.held(c, ids, now))
}

func (o *opening) holdBest(c domain.Command, want Best) domain.Event {
	found, ok := o.best(want.Section, want.Count)
	if !ok {
		available := o.available(want.Section)
		return domain.Reject(c, domain.NoAdjacentSeats, domain.Facts{Available: &available})
	}
	held := o.sc.held(c, found.ids, o.now)
	held.BestAvailable = &Chosen{Section: found.section}
	if found.orphan != 0 {
		held.BestAvailable.Orphans = []int{found.orphan}
	}
	return domain.Outcome(c, held)
}

// refuseOrphans is the refusal of a choice that leaves orphans, where the schedule asks for that.
func (o *opening) refuseOrphans(c domain.Command, chosen []int) (domain.Event, bool) {
	if !o.sc.NoOrphans {
		return domain.Event{}, false
	}
	orphans := o.orphans(chosen)
	return domain.Reject(c, domain.OrphanSeat, domain.Facts{ScheduleSeatIDs: orphans}), orphans != nil
}

func (sc *Schedule) held(c domain.Command, ids []int, now domain.Time) Held {
	return Held{
		ScheduleID: sc.ScheduleID, HoldID: HoldID(c.Sequence), ScheduleSeatIDs: ids, HeldSeats: sc.Layout.describe(ids),
		TotalPrice: sc.Layout.cost(ids), ExpiresAt: sc.holdEnd(now), Now: now,
	}
}

// holdEnd is when a hold or an offer that begins at now is over.
func (sc *Schedule) holdEnd(now domain.Time) domain.Time {
	return now.Add(time.Duration(sc.HoldSeconds) * time.Second)
}

// exceeds says that the user may not have so many seats more. Those of holds that are due no longer count.
func (s *State) exceeds(sc *Schedule, user string, more int, now domain.Time) bool {
	over := sc.Taken[user] + more - sc.MaxSeatsPerUser
	if over <= 0 {
		return false
	}
	if at, _, ok := s.NextDeadline(); !ok || at > now { // everything that is due has been told
		return true
	}
	for _, h := range sc.Holdings {
		if h.User == user && !h.Offer && h.ExpiresAt <= now {
			over -= len(h.ScheduleSeatIDs)
		}
	}
	return over > 0
}
