// Package seats holds the rules of a schedule's seats: AVAILABLE, HELD by one user until a moment, RESERVED for good, or
// BLOCKED by the shop. Several seats are taken all or none, and a hold is over at its expiresAt whatever any timer does:
// every decision looks at a hold that is due as if it were gone already. Its seats are open to others at once, too, unless
// somebody waits for them or they come back at a known time: then only when the end has been told.
package seats

import (
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
	Sequence       uint64 // of the command that made it
	Closed         bool
	Layout         Layout
	Seats          []Seat                       // scheduleSeatId n at n-1
	Allocations    map[uint64]*Allocation       // by the sequence in their id
	Expired        map[uint64]ExpiredAllocation // holds and offers that ran out, so that a late comer hears why
	Reservations   map[uint64]Reservation       // by the sequence in their id
	PendingRelease map[domain.Time]int          // how many seats of holds that ran out come back then
	Waiting        map[uint64]WaitingEntry      // by the sequence in their id, until it is over
	Taken          map[string]int               // seats held or reserved, by user

	freeInRow     []int                     // how many seats of a row are
	queues        map[string]*waitlist.List // those who wait and have no offer, by section; none is empty
	waitingByUser map[string]uint64         // the place of a user
}

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
