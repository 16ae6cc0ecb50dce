// Holding seats, by their ids or the best available, and what a user does with a hold: extend, swap, release.

package seats

import (
	"time"

	"onsale/domain"
)

func (s *State) hold(c domain.Command, body Hold, now domain.Time) []domain.Event {
	ids, best, count := body.ScheduleSeatIDs, body.BestAvailable, len(body.ScheduleSeatIDs)
	if best != nil {
		count = best.Count
	}
	sc, rejection := s.findSchedule(c, count)
	if rejection != nil {
		return rejection
	}
	switch missing := sc.Layout.missing(ids); {
	case missing != nil:
		return domain.Reject(c, domain.SeatNotFound, domain.Details{ScheduleSeatIDs: missing})
	case best != nil && !sc.Layout.hasSection(best.Section):
		return domain.Reject(c, domain.SeatNotFound, domain.Details{Section: best.Section})
	case sc.Closed:
		return domain.Reject(c, domain.Closed, sc.closedDetails())
	case s.exceedsLimit(sc, c.User, count, now):
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Details{Limit: sc.MaxSeatsPerUser})
	}
	a := s.availability(sc, now)
	if best != nil {
		return a.holdBest(c, *best)
	}
	if taken := a.unavailable(ids); taken != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: taken})
	}
	if rejection := a.rejectOrphans(c, ids); rejection != nil {
		return rejection
	}
	return domain.NewOutcome(c, sc.newHeld(c, ids, now))
}

func (a *availability) holdBest(c domain.Command, want BestAvailable) []domain.Event {
	found, ok := a.bestRun(want.Section, want.Count)
	if !ok {
		available := a.countFree(want.Section)
		return domain.Reject(c, domain.NoAdjacentSeats, domain.Details{Available: &available})
	}
	held := a.sc.newHeld(c, found.ids, a.now)
	held.BestAvailable = &BestAvailableResult{Section: found.section}
	if found.orphan != 0 {
		held.BestAvailable.Orphans = []int{found.orphan}
	}
	return domain.NewOutcome(c, held)
}

// rejectOrphans rejects a choice of seats that leaves orphans, where the schedule forbids it.
func (a *availability) rejectOrphans(c domain.Command, chosen []int) []domain.Event {
	if !a.sc.NoOrphans {
		return nil
	}
	if orphans := a.orphans(chosen); orphans != nil {
		return domain.Reject(c, domain.OrphanSeat, domain.Details{ScheduleSeatIDs: orphans})
	}
	return nil
}

func (sc *Schedule) newHeld(c domain.Command, ids []int, now domain.Time) Held {
	return Held{
		ScheduleID: sc.ScheduleID, HoldID: HoldID(c.Sequence), ScheduleSeatIDs: ids, HeldSeats: sc.Layout.describeAll(ids),
		TotalPrice: sc.Layout.totalPrice(ids), ExpiresAt: sc.holdEnd(now), Now: now,
	}
}

// holdEnd returns when a hold or an offer made at now expires.
func (sc *Schedule) holdEnd(now domain.Time) domain.Time {
	return now.Add(time.Duration(sc.HoldSeconds) * time.Second)
}

// exceedsLimit says whether count more seats are too many for the user. Seats of holds that are due do not count.
func (s *State) exceedsLimit(sc *Schedule, user string, count int, now domain.Time) bool {
	excess := sc.taken[user] + count - sc.MaxSeatsPerUser
	if excess <= 0 {
		return false
	}
	if at, _, ok := s.NextDeadline(); !ok || at > now { // nothing is due
		return true
	}
	for _, h := range sc.allocations {
		if h.User == user && !h.Offer && h.isOver(now) {
			excess -= len(h.ScheduleSeatIDs)
		}
	}
	return excess > 0
}

// findHold returns the user's hold, or the command's rejection.
func (sc *Schedule) findHold(c domain.Command, sequence uint64, now domain.Time) (*Allocation, []domain.Event) {
	h, active := sc.allocations[sequence]
	past, expired := sc.expired[sequence]
	switch {
	case !active && !expired || active && h.Offer || expired && past.Offer:
		return nil, domain.Reject(c, domain.HoldNotFound, domain.Details{})
	case active && h.User != c.User || expired && past.User != c.User:
		return nil, domain.Reject(c, domain.NotOwner, domain.Details{})
	case expired:
		return nil, domain.Reject(c, domain.HoldExpired, sc.expiredDetails(past.At))
	case h.isOver(now):
		return nil, domain.Reject(c, domain.HoldExpired, sc.expiredDetails(h.ExpiresAt))
	case h.PaymentID != "":
		return nil, rejectInOrder(c, h)
	}
	return h, nil
}

// rejectInOrder rejects what would change a hold that is being paid for.
func rejectInOrder(c domain.Command, h *Allocation) []domain.Event {
	return domain.Reject(c, domain.HoldInOrder, domain.Details{PaymentIDs: []string{h.PaymentID}})
}

// extend restarts the time of a hold, within the schedule's options. It is rejected for a hold that would not end later.
func (s *State) extend(c domain.Command, body Extend, now domain.Time) []domain.Event {
	sc, rejection := s.findSchedule(c, 0)
	if rejection != nil {
		return rejection
	}
	h, rejection := sc.findHold(c, HoldSequence(body.HoldID), now)
	if rejection != nil {
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

// swap exchanges seats in one step, so that no other user can get the new seats between release and take.
func (s *State) swap(c domain.Command, body Swap, now domain.Time) []domain.Event {
	sc, rejection := s.findSchedule(c, len(body.Release)+len(body.Take))
	if rejection != nil {
		return rejection
	}
	h, rejection := sc.findHold(c, HoldSequence(body.HoldID), now)
	if rejection != nil {
		return rejection
	}
	switch missing := sc.Layout.missing(body.Take); {
	case missing != nil:
		return domain.Reject(c, domain.SeatNotFound, domain.Details{ScheduleSeatIDs: missing})
	case sc.Closed && len(body.Take) > 0:
		return domain.Reject(c, domain.Closed, sc.closedDetails())
	case s.exceedsLimit(sc, c.User, len(body.Take)-len(body.Release), now):
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Details{Limit: sc.MaxSeatsPerUser})
	}
	a := s.availability(sc, now)
	if others := append(difference(body.Release, h.ScheduleSeatIDs), a.unavailable(body.Take)...); others != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: others})
	}
	ids := append(difference(h.ScheduleSeatIDs, body.Release), body.Take...)
	if len(ids) == 0 { // that is a release
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	a.releasing = map[int]bool{}
	for _, id := range body.Release {
		a.releasing[id] = true
	}
	if rejection := a.rejectOrphans(c, body.Take); rejection != nil {
		return rejection
	}
	return domain.NewOutcome(c, Swapped{
		ScheduleID: c.Entity, HoldID: body.HoldID, ScheduleSeatIDs: ids, HeldSeats: sc.Layout.describeAll(ids),
		TotalPrice: sc.Layout.totalPrice(ids), ExpiresAt: h.ExpiresAt, Now: now,
		Released: append([]int{}, body.Release...), Taken: append([]int{}, body.Take...),
	})
}

// release gives back those seats that the user holds and ignores the others, so releasing twice succeeds.
func (s *State) release(c domain.Command, body Release, now domain.Time) []domain.Event {
	sc, rejection := s.findSchedule(c, len(body.ScheduleSeatIDs))
	if rejection != nil {
		return rejection
	}
	ids := body.ScheduleSeatIDs
	if h := sc.allocations[HoldSequence(body.HoldID)]; h != nil {
		ids = h.ScheduleSeatIDs
	}
	released := append([]int{}, filter(ids, func(id int) bool { return sc.heldBy(id, c.User, now) })...)
	for _, id := range released {
		if h := sc.allocations[sc.seats[id-1].Ref]; h.PaymentID != "" {
			return rejectInOrder(c, h)
		}
	}
	return domain.NewOutcome(c, Released{ScheduleID: c.Entity, ScheduleSeatIDs: released, ReleasedCount: len(released)})
}

// heldBy says whether the seat is in a hold of the user that is not due at now.
func (sc *Schedule) heldBy(id int, user string, now domain.Time) bool {
	if id < 1 || id > len(sc.seats) || sc.seats[id-1].state != stateHeld {
		return false
	}
	h := sc.allocations[sc.seats[id-1].Ref]
	return h.User == user && !h.Offer && !h.isOver(now)
}
