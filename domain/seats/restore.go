// How the state is filled: by events, and by a store at start-up. From a store come first a schedule and its Closed and
// Ended, then its seats and holdings, then who waits.

package seats

import (
	"slices"

	"onsale/domain"
	"onsale/domain/waitlist"
)

// Restore makes a schedule with all its seats free. sequence is its command's.
func (s *State) Restore(c Created, sequence uint64, closed bool) *Schedule {
	sc := &Schedule{
		Created: c, Sequence: sequence, Closed: closed, Layout: NewLayout(c.Sections),
		allocations: map[uint64]*Allocation{}, expired: map[uint64]ExpiredAllocation{}, reservations: map[uint64]Reservation{},
		pendingRelease: map[domain.Time]int{}, waiting: map[uint64]WaitingEntry{}, taken: map[string]int{},
		queues: map[string]*waitlist.List{}, waitingByUser: map[string]uint64{},
	}
	sc.seats = make([]Seat, sc.Layout.Total())
	for _, row := range sc.Layout.rows {
		sc.freeInRow = append(sc.freeInRow, row.last-row.first+1)
	}
	s.schedules[c.ScheduleID] = sc
	return sc
}

// RestoreAllocation adds a holding, and takes its seats from whoever had them: only a hold that is due, or the offer that it was
// made of, can have had them. The state keeps a list of its own, which shrinks with the holding.
func (s *State) RestoreAllocation(sc *Schedule, h Allocation) {
	h.ScheduleSeatIDs = slices.Clone(h.ScheduleSeatIDs)
	for _, id := range h.ScheduleSeatIDs {
		sc.setSeat(id, Seat{stateHeld, h.Sequence})
	}
	if h.Offer {
		sc.dequeue(h.Sequence)
	} else {
		sc.addTaken(h.User, len(h.ScheduleSeatIDs))
	}
	sc.allocations[h.Sequence] = &h
	s.deadlines.Add(scheduleDeadline{At: h.nextDeadline(), Sequence: h.Sequence, Value: sc})
}

// RestoreExpired adds a hold or an offer that ran out.
func (sc *Schedule) RestoreExpired(sequence uint64, h ExpiredAllocation) { sc.expired[sequence] = h }

// RestoreReservation adds a reservation, and takes its seats out of the holdings they were in.
func (s *State) RestoreReservation(sc *Schedule, sequence uint64, r Reservation) {
	if !r.Cancelled {
		for _, id := range r.ScheduleSeatIDs {
			sc.setSeat(id, Seat{stateReserved, sequence})
		}
		sc.addTaken(r.User, len(r.ScheduleSeatIDs))
	}
	sc.reservations[sequence] = r
}

// RestoreBlocked takes seats off sale.
func (s *State) RestoreBlocked(sc *Schedule, ids []int) {
	for _, id := range ids {
		sc.setSeat(id, Seat{state: stateBlocked})
	}
}

// RestorePendingRelease keeps seats of holds that ran out until they come back.
func (s *State) RestorePendingRelease(sc *Schedule, releaseAt domain.Time, ids []int) {
	for _, id := range ids {
		sc.setSeat(id, Seat{statePendingRelease, uint64(releaseAt)})
	}
	sc.pendingRelease[releaseAt] += len(ids)
	s.deadlines.Add(scheduleDeadline{At: releaseAt, Sequence: sc.Sequence, Value: sc})
}

// RestoreWaiting adds a place to its waiting list, unless something is offered to it.
func (s *State) RestoreWaiting(sc *Schedule, e WaitingEntry) {
	sc.waiting[e.Sequence], sc.waitingByUser[e.User] = e, e.Sequence
	if sc.allocations[e.Sequence] != nil {
		return
	}
	if sc.queues[e.Section] == nil {
		sc.queues[e.Section] = &waitlist.List{}
	}
	sc.queues[e.Section].Add(e.Entry)
	s.markOfferable(sc)
}

// dequeue takes a place out of its waiting list.
func (sc *Schedule) dequeue(sequence uint64) {
	section := sc.waiting[sequence].Section
	if queue := sc.queues[section]; queue != nil {
		if queue.Remove(sequence); queue.Len() == 0 {
			delete(sc.queues, section)
		}
	}
}

// endWaiting ends somebody's waiting.
func (sc *Schedule) endWaiting(sequence uint64) {
	sc.dequeue(sequence)
	user := sc.waiting[sequence].User
	delete(sc.waiting, sequence)
	if sc.waitingByUser[user] == sequence { // whose offer is due may have joined again
		delete(sc.waitingByUser, user)
	}
}
