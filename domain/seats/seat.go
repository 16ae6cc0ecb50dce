// The state of single seats, how it changes, and how a store restores it. A store restores a schedule with what expired, then
// its seats, reservations and allocations, and its waiting list at the end.

package seats

import (
	"slices"

	"onsale/domain"
	"onsale/domain/waitlist"
)

// Status is the status of a seat, as it is on the wire.
type Status string

const (
	StatusAvailable Status = "AVAILABLE"
	StatusHeld      Status = "HELD"
	StatusReserved  Status = "RESERVED"
	StatusBlocked   Status = "BLOCKED"
)

// Counts are the seats of a schedule by status.
type Counts struct{ Total, Available, Held, Reserved, Blocked int }

// NewCounts returns the counts of a schedule whose seats are all available.
func NewCounts(total int) Counts { return Counts{Total: total, Available: total} }

// Take counts an available seat as one with this status.
func (c *Counts) Take(status Status) {
	c.Available--
	switch status {
	case StatusAvailable:
		c.Available++
	case StatusHeld:
		c.Held++
	case StatusReserved:
		c.Reserved++
	case StatusBlocked:
		c.Blocked++
	}
}

// Seat is the state of one seat, in few bytes: a rule may look at all of them. The zero Seat is free.
type Seat struct {
	state byte
	Ref   uint64 // the sequence of its allocation or reservation; 0 for none
}

const (
	stateFree byte = iota
	stateHeld
	statePendingRelease // its hold expired; Ref is the time of its release
	stateReserved
	stateBlocked
)

// Status returns the status of the seat as the public sees it: a seat that waits for its release is held.
func (s Seat) Status() Status {
	return [...]Status{StatusAvailable, StatusHeld, StatusHeld, StatusReserved, StatusBlocked}[s.state]
}

// ReleaseAt returns when a seat is released whose hold expired; 0 for other seats. No user holds such a seat.
func (s Seat) ReleaseAt() domain.Time {
	if s.state == statePendingRelease {
		return domain.Time(s.Ref)
	}
	return 0
}

// Restore adds a schedule with all its seats free. sequence is that of the command that created it; cancelled is nil unless it was
// called off.
func (s *State) Restore(c Created, sequence uint64, closed bool, cancelled *Cancellation) *Schedule {
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
	if cancelled != nil {
		s.setCancelled(sc, *cancelled)
	}
	return sc
}

// RestoreAllocation adds an allocation, and takes its seats from the allocations that have them: a hold that is due, or the offer
// that became this hold. It copies the list of seats, which shrinks with the allocation.
func (s *State) RestoreAllocation(sc *Schedule, h Allocation) {
	h.ScheduleSeatIDs = slices.Clone(h.ScheduleSeatIDs)
	if sc.Cancelled != nil && h.ExpiresAt > sc.Cancelled.At {
		h.ExpiresAt, h.Warned = sc.Cancelled.At, true
	}
	for _, id := range h.ScheduleSeatIDs {
		s.setSeat(sc, id, Seat{stateHeld, h.Sequence})
	}
	if h.Offer {
		sc.dequeue(h.Sequence)
	} else {
		s.addTaken(sc, h.User, len(h.ScheduleSeatIDs))
		s.holds[h.Sequence] = sc
	}
	sc.allocations[h.Sequence] = &h
	s.deadlines.Add(scheduleDeadline{At: h.nextDeadline(), Sequence: h.Sequence, Value: sc})
}

// RestoreExpired adds a hold or an offer that expired.
func (sc *Schedule) RestoreExpired(sequence uint64, h ExpiredAllocation) { sc.expired[sequence] = h }

// RestoreReservation adds a reservation, and takes its seats from the allocations that have them.
func (s *State) RestoreReservation(sc *Schedule, sequence uint64, r Reservation) {
	if !r.Cancelled {
		for _, id := range r.ScheduleSeatIDs {
			s.setSeat(sc, id, Seat{stateReserved, sequence})
		}
		s.addTaken(sc, r.User, len(r.ScheduleSeatIDs))
	}
	sc.reservations[sequence] = r
}

// RestoreBlocked takes seats off sale.
func (s *State) RestoreBlocked(sc *Schedule, ids []int) {
	for _, id := range ids {
		s.setSeat(sc, id, Seat{state: stateBlocked})
	}
}

// RestorePendingRelease keeps seats of expired holds until their release.
func (s *State) RestorePendingRelease(sc *Schedule, releaseAt domain.Time, ids []int) {
	for _, id := range ids {
		s.setSeat(sc, id, Seat{statePendingRelease, uint64(releaseAt)})
	}
	sc.pendingRelease[releaseAt] += len(ids)
	s.deadlines.Add(scheduleDeadline{At: releaseAt, Sequence: sc.Sequence, Value: sc})
}

// setSeat removes a seat from what it is in and gives it a new state. An allocation that loses its last seat to another user
// stays until its end is emitted; the list of a reservation does not change.
func (s *State) setSeat(sc *Schedule, id int, to Seat) {
	seat, row := &sc.seats[id-1], sc.Layout.rowIndex(id)
	switch seat.state {
	case stateFree:
		sc.freeInRow[row]--
	case stateHeld:
		h := sc.allocations[seat.Ref]
		i := slices.Index(h.ScheduleSeatIDs, id)
		h.ScheduleSeatIDs = slices.Delete(h.ScheduleSeatIDs, i, i+1)
		if !h.Offer {
			s.addTaken(sc, h.User, -1)
		}
	case statePendingRelease:
		if at := seat.ReleaseAt(); sc.pendingRelease[at] > 1 {
			sc.pendingRelease[at]--
		} else {
			delete(sc.pendingRelease, at)
		}
	case stateReserved:
		s.addTaken(sc, sc.reservations[seat.Ref].User, -1)
	}
	if to.state == stateFree {
		sc.freeInRow[row]++
	}
	*seat = to
}

// addTaken adds n to the seats that the user holds or has reserved.
func (s *State) addTaken(sc *Schedule, user string, n int) {
	if sc.taken[user] += n; sc.taken[user] == 0 {
		delete(sc.taken, user)
	}
	s.updatePassedOver(sc, user)
}

// releaseSeats puts seats on sale. An allocation whose last seat is released is dropped.
func (s *State) releaseSeats(sc *Schedule, ids []int) {
	emptied := sc.allocationsOf(ids)
	for _, id := range ids {
		s.setSeat(sc, id, Seat{})
	}
	s.dropEmpty(sc, emptied)
	s.markOfferable(sc)
}

// allocationsOf returns the sequences of the allocations that the seats are in.
func (sc *Schedule) allocationsOf(ids []int) map[uint64]bool {
	found := map[uint64]bool{}
	for _, id := range ids {
		if seat := sc.seats[id-1]; seat.state == stateHeld {
			found[seat.Ref] = true
		}
	}
	return found
}

// dropEmpty drops those of the allocations that have no seats.
func (s *State) dropEmpty(sc *Schedule, sequences map[uint64]bool) {
	for sequence := range sequences {
		if h := sc.allocations[sequence]; len(h.ScheduleSeatIDs) == 0 {
			s.dropAllocation(sc, sequence)
		}
	}
}

func (s *State) dropAllocation(sc *Schedule, sequence uint64) {
	delete(sc.allocations, sequence)
	delete(s.holds, sequence)
}
