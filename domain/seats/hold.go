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
	sc, rejection := s.findSchedule(c, body.Check(), count)
	if sc == nil {
		return rejection
	}
	if missing := sc.Layout.missing(ids); missing != nil {
		return domain.Reject(c, domain.SeatNotFound, domain.Details{ScheduleSeatIDs: missing})
	}
	if best != nil && !sc.Layout.hasSection(best.Section) {
		return domain.Reject(c, domain.SeatNotFound, domain.Details{Section: best.Section})
	}
	if sc.Closed {
		return domain.Reject(c, domain.Closed, domain.Details{})
	}
	if s.exceedsLimit(sc, c.User, count, now) {
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Details{Limit: sc.MaxSeatsPerUser})
	}
	o := s.availability(sc, now)
	if best != nil {
		return o.holdBest(c, *best)
	}
	if taken := o.unavailable(ids); taken != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: taken})
	}
	if rejection, rejected := o.rejectOrphans(c, ids); rejected {
		return rejection
	}
	return domain.NewOutcome(c, sc.newHeld(c, ids, now))
}

func (o *availability) holdBest(c domain.Command, want BestAvailable) domain.Event {
	found, ok := o.bestRun(want.Section, want.Count)
	if !ok {
		available := o.countFree(want.Section)
		return domain.Reject(c, domain.NoAdjacentSeats, domain.Details{Available: &available})
	}
	held := o.sc.newHeld(c, found.ids, o.now)
	held.BestAvailable = &BestAvailableResult{Section: found.section}
	if found.orphan != 0 {
		held.BestAvailable.Orphans = []int{found.orphan}
	}
	return domain.NewOutcome(c, held)
}

// rejectOrphans is the refusal of a choice that leaves orphans, where the schedule asks for that.
func (o *availability) rejectOrphans(c domain.Command, chosen []int) (domain.Event, bool) {
	if !o.sc.NoOrphans {
		return domain.Event{}, false
	}
	orphans := o.orphans(chosen)
	return domain.Reject(c, domain.OrphanSeat, domain.Details{ScheduleSeatIDs: orphans}), orphans != nil
}

func (sc *Schedule) newHeld(c domain.Command, ids []int, now domain.Time) Held {
	return Held{
		ScheduleID: sc.ScheduleID, HoldID: HoldID(c.Sequence), ScheduleSeatIDs: ids, HeldSeats: sc.Layout.describeAll(ids),
		TotalPrice: sc.Layout.totalPrice(ids), ExpiresAt: sc.holdEnd(now), Now: now,
	}
}

// holdEnd is when a hold or an offer that begins at now is over.
func (sc *Schedule) holdEnd(now domain.Time) domain.Time {
	return now.Add(time.Duration(sc.HoldSeconds) * time.Second)
}

// exceedsLimit says that the user may not have so many seats more. Those of holds that are due no longer count.
func (s *State) exceedsLimit(sc *Schedule, user string, count int, now domain.Time) bool {
	excess := sc.taken[user] + count - sc.MaxSeatsPerUser
	if excess <= 0 {
		return false
	}
	if at, _, ok := s.NextDeadline(); !ok || at > now { // everything that is due has been told
		return true
	}
	for _, h := range sc.allocations {
		if h.User == user && !h.Offer && h.ExpiresAt <= now {
			excess -= len(h.ScheduleSeatIDs)
		}
	}
	return excess > 0
}
