// How the state is filled: by events, and by a store at start-up. From a store come first a schedule and its Closed and
// Ended, then its seats and holdings, then who waits.
package seats

import (
	"slices"

	"onsale/domain"
	"onsale/domain/waiting"
)

// Put makes a schedule with all its seats free. sequence is its command's.
func (s *State) Put(c Created, sequence uint64) *Schedule {
	sc := &Schedule{
		Created: c, Sequence: sequence, Layout: NewLayout(c.Sections),
		Holdings: map[uint64]*Holding{}, Ended: map[uint64]Ended{}, Reservations: map[uint64]Reservation{},
		Returning: map[domain.Time]int{}, Waiting: map[uint64]Place{}, Taken: map[string]int{},
		lines: map[string]*waiting.Line{}, waiters: map[string]uint64{},
	}
	sc.Seats = make([]Seat, sc.Layout.Total())
	for _, row := range sc.Layout.rows {
		sc.free = append(sc.free, row.last-row.first+1)
	}
	s.schedules[c.ScheduleID] = sc
	return sc
}

// PutHolding adds a holding, and takes its seats from whoever had them: only a hold that is due, or the offer that it was
// made of, can have had them. The state keeps a list of its own, which shrinks with the holding.
func (s *State) PutHolding(sc *Schedule, h Holding) {
	h.ScheduleSeatIDs = slices.Clone(h.ScheduleSeatIDs)
	for _, id := range h.ScheduleSeatIDs {
		sc.move(id, Seat{isHeld, h.Sequence})
	}
	if h.Offer {
		sc.unline(h.Sequence)
	} else {
		sc.take(h.User, len(h.ScheduleSeatIDs))
	}
	sc.Holdings[h.Sequence] = &h
	s.endings.Add(ending{At: h.next(), Sequence: h.Sequence, What: sc})
}

// PutReservation adds a reservation, and takes its seats out of the holdings they were in.
func (s *State) PutReservation(sc *Schedule, sequence uint64, r Reservation) {
	if !r.Cancelled {
		for _, id := range r.ScheduleSeatIDs {
			sc.move(id, Seat{isReserved, sequence})
		}
		sc.take(r.User, len(r.ScheduleSeatIDs))
	}
	sc.Reservations[sequence] = r
}

// PutBlocked takes seats off sale.
func (s *State) PutBlocked(sc *Schedule, ids []int) {
	for _, id := range ids {
		sc.move(id, Seat{is: isBlocked})
	}
}

// PutReturning keeps seats of holds that ran out until they come back.
func (s *State) PutReturning(sc *Schedule, freeAt domain.Time, ids []int) {
	for _, id := range ids {
		sc.move(id, Seat{isReturning, uint64(freeAt)})
	}
	sc.Returning[freeAt] += len(ids)
	s.endings.Add(ending{At: freeAt, Sequence: sc.Sequence, What: sc})
}

// PutWaiting adds a place to its waiting list, unless something is offered to it.
func (s *State) PutWaiting(sc *Schedule, p Place) {
	sc.Waiting[p.Sequence], sc.waiters[p.User] = p, p.Sequence
	if sc.Holdings[p.Sequence] != nil {
		return
	}
	if sc.lines[p.Section] == nil {
		sc.lines[p.Section] = &waiting.Line{}
	}
	sc.lines[p.Section].Add(p.Entry)
	s.stir(sc)
}

// unline takes a place out of its waiting list.
func (sc *Schedule) unline(sequence uint64) {
	section := sc.Waiting[sequence].Section
	if line := sc.lines[section]; line != nil {
		if line.Remove(sequence); line.Len() == 0 {
			delete(sc.lines, section)
		}
	}
}

// unplace ends somebody's waiting.
func (sc *Schedule) unplace(sequence uint64) {
	sc.unline(sequence)
	user := sc.Waiting[sequence].User
	delete(sc.Waiting, sequence)
	if sc.waiters[user] == sequence { // whose offer is due may have joined again
		delete(sc.waiters, user)
	}
}
