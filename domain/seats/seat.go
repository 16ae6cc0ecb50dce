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

// Seat is the state of one, in few bytes: one decision may look at all of them. The zero Seat is free.
type Seat struct {
	state byte
	Ref   uint64 // the sequence of its holding or its reservation; 0 where there is none
}

const (
	stateFree byte = iota
	stateHeld
	statePendingRelease // its hold ran out; it comes back at Ref
	stateReserved
	stateBlocked
)

// Status is the seat's as the world sees it: one that waits to come back is held.
func (s Seat) Status() Status {
	return [...]Status{StatusAvailable, StatusHeld, StatusHeld, StatusReserved, StatusBlocked}[s.state]
}

// ReleaseAt is when a seat comes back whose hold ran out; 0 for all others. Nobody holds such a seat.
func (s Seat) ReleaseAt() domain.Time {
	if s.state == statePendingRelease {
		return domain.Time(s.Ref)
	}
	return 0
}

// setSeat takes a seat out of whatever it is in and makes it what it is from now on. A holding that loses its last seat to
// others stays until its end is told; a reservation's own list is not touched.
func (sc *Schedule) setSeat(id int, to Seat) {
	seat, row := &sc.seats[id-1], sc.Layout.rowIndex(id)
	switch seat.state {
	case stateFree:
		sc.freeInRow[row]--
	case stateHeld:
		h := sc.allocations[seat.Ref]
		i := slices.Index(h.ScheduleSeatIDs, id)
		h.ScheduleSeatIDs = slices.Delete(h.ScheduleSeatIDs, i, i+1)
		if !h.Offer {
			sc.addTaken(h.User, -1)
		}
	case statePendingRelease:
		if at := seat.ReleaseAt(); sc.pendingRelease[at] > 1 {
			sc.pendingRelease[at]--
		} else {
			delete(sc.pendingRelease, at)
		}
	case stateReserved:
		sc.addTaken(sc.reservations[seat.Ref].User, -1)
	}
	if to.state == stateFree {
		sc.freeInRow[row]++
	}
	*seat = to
}

// addTaken counts n seats more that the user has.
func (sc *Schedule) addTaken(user string, n int) {
	if sc.taken[user] += n; sc.taken[user] == 0 {
		delete(sc.taken, user)
	}
}

// releaseSeats puts seats on sale. A holding is forgotten with the last seat that is given back.
func (s *State) releaseSeats(sc *Schedule, ids []int) {
	emptied := map[uint64]bool{}
	for _, id := range ids {
		if seat := sc.seats[id-1]; seat.state == stateHeld {
			emptied[seat.Ref] = true
		}
		sc.setSeat(id, Seat{})
	}
	sc.dropEmpty(emptied)
	s.markOfferable(sc)
}

// dropEmpty forgets those of the holdings that are empty.
func (sc *Schedule) dropEmpty(sequences map[uint64]bool) {
	for sequence := range sequences {
		if h := sc.allocations[sequence]; len(h.ScheduleSeatIDs) == 0 {
			delete(sc.allocations, sequence)
		}
	}
}
