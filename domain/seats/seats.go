// Package seats holds the rules of a schedule's seats: AVAILABLE, HELD by one user until a moment, RESERVED for good.
// Several seats are taken all or none, and a hold is over at its expiresAt whatever any timer does: every decision looks
// at a hold that is due as if it were gone already.
package seats

import (
	"maps"
	"slices"

	"onsale/domain"
	"onsale/domain/due"
)

// Status of one seat, as the wire spells it.
type Status string

const (
	StatusAvailable Status = "AVAILABLE"
	StatusHeld      Status = "HELD"
	StatusReserved  Status = "RESERVED"
)

// State is all schedules and the deadlines of their holds. It changes only by Apply.
type State struct {
	schedules map[string]*Schedule
	endings   *due.Line[*Schedule]
}

// Schedule is what the rules know of one.
type Schedule struct {
	Created
	Layout       Layout
	Seats        []Seat                 // scheduleSeatId n at n-1
	Holdings     map[uint64]*Holding    // by the sequence in their id
	Ended        map[uint64]Ended       // holds that ran out, so that a late comer hears why
	Reservations map[uint64]Reservation // by the sequence in their id
	Taken        map[string]int         // seats held or reserved, by user
}

// Seat is the state of one. Ref is the sequence of its holding or its reservation.
type Seat struct {
	Status Status
	Ref    uint64
}

// Holding is a hold whose end has not been told. Seats that were given back or reserved are no longer in it.
type Holding struct {
	Sequence        uint64      `json:"sequence"`
	User            string      `json:"user"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	ExpiresAt       domain.Time `json:"expiresAt"`
}

// Ended is a hold that ran out.
type Ended struct {
	User string      `json:"user"`
	At   domain.Time `json:"at"`
}

// Reservation is seats that belong to a user.
type Reservation struct {
	User            string `json:"user"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	TotalPrice      int64  `json:"totalPrice"`
}

// New is a world without schedules.
func New() *State { return &State{map[string]*Schedule{}, due.NewLine(stands)} }

// Schedule is the one with this id, or nil.
func (s *State) Schedule(id string) *Schedule { return s.schedules[id] }

// IDs are those of all schedules, in alphabetical order.
func (s *State) IDs() []string { return slices.Sorted(maps.Keys(s.schedules)) }

// Put makes a schedule with all its seats free.
func (s *State) Put(c Created) *Schedule {
	schedule := &Schedule{
		Created: c, Layout: NewLayout(c.Sections),
		Holdings: map[uint64]*Holding{}, Ended: map[uint64]Ended{}, Reservations: map[uint64]Reservation{}, Taken: map[string]int{},
	}
	schedule.Seats = make([]Seat, schedule.Layout.Total())
	for i := range schedule.Seats {
		schedule.Seats[i].Status = StatusAvailable
	}
	s.schedules[c.ScheduleID] = schedule
	return schedule
}

// PutHolding adds a holding, and takes its seats from whoever had them: only a hold that is due can have had them. The
// state keeps a list of its own, which shrinks with the holding.
func (s *State) PutHolding(sc *Schedule, h Holding) {
	h.ScheduleSeatIDs = slices.Clone(h.ScheduleSeatIDs)
	for _, id := range h.ScheduleSeatIDs {
		sc.free(id)
		sc.Seats[id-1] = Seat{StatusHeld, h.Sequence}
	}
	sc.Taken[h.User] += len(h.ScheduleSeatIDs)
	sc.Holdings[h.Sequence] = &h
	s.endings.Add(ending{At: h.ExpiresAt, Sequence: h.Sequence, What: sc})
}

// PutReservation adds a reservation, and takes its seats out of the holding they were in.
func (s *State) PutReservation(sc *Schedule, sequence uint64, r Reservation) {
	for _, id := range r.ScheduleSeatIDs {
		sc.free(id)
		sc.Seats[id-1] = Seat{StatusReserved, sequence}
	}
	sc.Taken[r.User] += len(r.ScheduleSeatIDs)
	sc.Reservations[sequence] = r
}

// free takes a seat out of the holding it is in, if it is in one. A holding without seats stays until its end is told or
// its last seat is given back by its owner (see drop).
func (sc *Schedule) free(id int) {
	seat := &sc.Seats[id-1]
	if seat.Status == StatusHeld {
		h := sc.Holdings[seat.Ref]
		i := slices.Index(h.ScheduleSeatIDs, id)
		h.ScheduleSeatIDs = slices.Delete(h.ScheduleSeatIDs, i, i+1)
		sc.give(h.User, 1)
	}
	*seat = Seat{Status: StatusAvailable}
}

// drop forgets holdings that their owner has emptied.
func (sc *Schedule) drop(sequences map[uint64]bool) {
	for sequence := range sequences {
		if h := sc.Holdings[sequence]; h != nil && len(h.ScheduleSeatIDs) == 0 {
			delete(sc.Holdings, sequence)
		}
	}
}

// give takes n seats off what the user has.
func (sc *Schedule) give(user string, n int) {
	if sc.Taken[user] -= n; sc.Taken[user] == 0 {
		delete(sc.Taken, user)
	}
}

// open says whether a seat can be held at now: it is free, or its hold is due.
func (sc *Schedule) open(id int, now domain.Time) bool {
	seat := sc.Seats[id-1]
	return seat.Status == StatusAvailable || seat.Status == StatusHeld && sc.Holdings[seat.Ref].ExpiresAt <= now
}
