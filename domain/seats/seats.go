// Package seats holds the rules of a schedule's seats: AVAILABLE, HELD by one user until a moment, RESERVED for good, or
// BLOCKED by the shop. Several seats are taken all or none, and a hold is over at its expiresAt whatever any timer does:
// every decision looks at a hold that is due as if it were gone already. Its seats are open to others at once, too, unless
// somebody waits for them or they come back at a known time: then only when the end has been told.
package seats

import (
	"iter"
	"maps"
	"slices"

	"onsale/domain"
	"onsale/domain/deadline"
	"onsale/domain/waitlist"
)

// State is all schedules and what time will change in them. It changes only by Apply.
type State struct {
	schedules map[string]*Schedule
	deadlines *deadline.Queue[*Schedule]
	offerable map[string]*Schedule // where somebody waits, and an offer may have become possible since the last look
}

// Schedule is what the rules know of one.
type Schedule struct {
	Created
	Sequence uint64 // of the command that made it
	Closed   bool
	Layout   Layout

	seats          []Seat                       // scheduleSeatId n at n-1
	allocations    map[uint64]*Allocation       // by the sequence in their id
	expired        map[uint64]ExpiredAllocation // kept so that a late command gets hold_expired or offer_expired
	reservations   map[uint64]Reservation       // by the sequence in their id
	pendingRelease map[domain.Time]int          // seats of expired holds, by the time when they are released
	waiting        map[uint64]WaitingEntry      // by the sequence in their id, those with an offer too
	taken          map[string]int               // seats held or reserved, by user
	freeInRow      []int                        // free seats, by row
	queues         map[string]*waitlist.List    // entries without an offer, by section; none is empty
	waitingByUser  map[string]uint64            // sequence of the user's entry
}

// Seat returns one seat; ids are 1 to Layout.Total().
func (sc *Schedule) Seat(id int) Seat { return sc.seats[id-1] }

// Allocations yields the holds and offers whose end has not come, by the sequence in their id.
func (sc *Schedule) Allocations() iter.Seq2[uint64, Allocation] {
	return func(yield func(uint64, Allocation) bool) {
		for sequence, h := range sc.allocations {
			if !yield(sequence, *h) {
				return
			}
		}
	}
}

// Allocation returns one of Allocations.
func (sc *Schedule) Allocation(sequence uint64) (Allocation, bool) {
	if h := sc.allocations[sequence]; h != nil {
		return *h, true
	}
	return Allocation{}, false
}

// Expired yields the holds and offers that ran out, by the sequence in their id.
func (sc *Schedule) Expired() iter.Seq2[uint64, ExpiredAllocation] { return maps.All(sc.expired) }

// ExpiredAllocation returns one of Expired.
func (sc *Schedule) ExpiredAllocation(sequence uint64) (ExpiredAllocation, bool) {
	h, ok := sc.expired[sequence]
	return h, ok
}

// Reservations yields all reservations, by the sequence in their id.
func (sc *Schedule) Reservations() iter.Seq2[uint64, Reservation] { return maps.All(sc.reservations) }

// Reservation returns one of Reservations.
func (sc *Schedule) Reservation(sequence uint64) (Reservation, bool) {
	r, ok := sc.reservations[sequence]
	return r, ok
}

// PendingReleases yields how many seats of expired holds are released at each time.
func (sc *Schedule) PendingReleases() iter.Seq2[domain.Time, int] { return maps.All(sc.pendingRelease) }

// Waiting yields the waiting entries, those with an offer too, by the sequence in their id.
func (sc *Schedule) Waiting() iter.Seq2[uint64, WaitingEntry] { return maps.All(sc.waiting) }

// WaitingCount returns how many entries Waiting yields.
func (sc *Schedule) WaitingCount() int { return len(sc.waiting) }

// WaitingEntry returns one of Waiting.
func (sc *Schedule) WaitingEntry(sequence uint64) (WaitingEntry, bool) {
	e, ok := sc.waiting[sequence]
	return e, ok
}

// Taken yields how many seats each user holds or has reserved, where that is not 0.
func (sc *Schedule) Taken() iter.Seq2[string, int] { return maps.All(sc.taken) }

// Allocation is a hold, or an offer to somebody who waits, whose end has not been told. Seats that were given back or reserved
// are no longer in it.
type Allocation struct {
	Sequence        uint64      `json:"sequence"` // of an offer: of the place in the waiting list
	User            string      `json:"user"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	ExpiresAt       domain.Time `json:"expiresAt"`
	HeldAt          domain.Time `json:"heldAt,omitzero"` // no extension goes further from it than the schedule's MaxHoldSeconds
	Extensions      int         `json:"extensions,omitempty"`
	Warned          bool        `json:"warned,omitempty"` // of this end, or it is too near for that
	Offer           bool        `json:"offer,omitempty"`
}

// ExpiredAllocation is a hold or an offer that ran out.
type ExpiredAllocation struct {
	User  string      `json:"user"`
	At    domain.Time `json:"at"`
	Offer bool        `json:"offer,omitempty"`
}

// Reservation is seats that belong to a user, or did: what was cancelled whole stays as it was, and marked.
type Reservation struct {
	User            string `json:"user"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	TotalPrice      int64  `json:"totalPrice"`
	Cancelled       bool   `json:"cancelled,omitempty"`
}

// WaitingEntry is a place in a waiting list. What is offered to it is the Holding with its sequence.
type WaitingEntry struct {
	waitlist.Entry
	Section string `json:"section,omitempty"` // "": any
}

// New is a world without schedules.
func New() *State {
	return &State{map[string]*Schedule{}, deadline.NewQueue(isActive), map[string]*Schedule{}}
}

// Schedule is the one with this id, or nil.
func (s *State) Schedule(id string) *Schedule { return s.schedules[id] }

// IDs are those of all schedules, in alphabetical order.
func (s *State) IDs() []string { return slices.Sorted(maps.Keys(s.schedules)) }
