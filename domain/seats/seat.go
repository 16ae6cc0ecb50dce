// A single seat, and how it changes hands.
package seats

import (
	"slices"

	"onsale/domain"
)

// Status of one seat, as the wire spells it.
type Status string

const (
	StatusAvailable Status = "AVAILABLE"
	StatusHeld      Status = "HELD"
	StatusReserved  Status = "RESERVED"
	StatusBlocked   Status = "BLOCKED"
)

// Seat is the state of one, in few bytes: one decision may look at all of them. The zero Seat is free.
type Seat struct {
	is  byte
	Ref uint64 // the sequence of its holding or its reservation; 0 where there is none
}

const (
	isFree byte = iota
	isHeld
	isReturning // its hold ran out; it comes back at Ref
	isReserved
	isBlocked
)

// Status is the seat's as the world sees it: one that waits to come back is held.
func (s Seat) Status() Status {
	return [...]Status{StatusAvailable, StatusHeld, StatusHeld, StatusReserved, StatusBlocked}[s.is]
}

// FreeAt is when a seat comes back whose hold ran out; 0 for all others. Nobody holds such a seat.
func (s Seat) FreeAt() domain.Time {
	if s.is == isReturning {
		return domain.Time(s.Ref)
	}
	return 0
}

// move takes a seat out of whatever it is in and makes it what it is from now on. A holding that loses its last seat to
// others stays until its end is told; a reservation's own list is not touched.
func (sc *Schedule) move(id int, to Seat) {
	seat, row := &sc.Seats[id-1], sc.Layout.row(id)
	switch seat.is {
	case isFree:
		sc.free[row]--
	case isHeld:
		h := sc.Holdings[seat.Ref]
		i := slices.Index(h.ScheduleSeatIDs, id)
		h.ScheduleSeatIDs = slices.Delete(h.ScheduleSeatIDs, i, i+1)
		if !h.Offer {
			sc.take(h.User, -1)
		}
	case isReturning:
		if at := seat.FreeAt(); sc.Returning[at] > 1 {
			sc.Returning[at]--
		} else {
			delete(sc.Returning, at)
		}
	case isReserved:
		sc.take(sc.Reservations[seat.Ref].User, -1)
	}
	if to.is == isFree {
		sc.free[row]++
	}
	*seat = to
}

// take counts n seats more that the user has.
func (sc *Schedule) take(user string, n int) {
	if sc.Taken[user] += n; sc.Taken[user] == 0 {
		delete(sc.Taken, user)
	}
}

// comeFree puts seats on sale. A holding is forgotten with the last seat that is given back.
func (s *State) comeFree(sc *Schedule, ids []int) {
	from := map[uint64]bool{}
	for _, id := range ids {
		if seat := sc.Seats[id-1]; seat.is == isHeld {
			from[seat.Ref] = true
		}
		sc.move(id, Seat{})
	}
	sc.drop(from)
	s.stir(sc)
}

// drop forgets those of the holdings that are empty.
func (sc *Schedule) drop(sequences map[uint64]bool) {
	for sequence := range sequences {
		if h := sc.Holdings[sequence]; len(h.ScheduleSeatIDs) == 0 {
			delete(sc.Holdings, sequence)
		}
	}
}
