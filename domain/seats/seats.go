// Package seats holds the rules of the seats of a schedule: AVAILABLE, HELD by one user until a time, RESERVED, or BLOCKED by an
// admin. A command takes several seats all or none. A hold ends exactly at its expiresAt: every rule treats a hold that is due as
// gone, whether or not Expired was emitted. Its seats are free to others at once, unless users wait for them or the schedule
// releases seats at fixed times; then they are free when that event is emitted.
package seats

import (
	"iter"
	"maps"
	"slices"
	"strconv"

	"onsale/domain"
	"onsale/domain/deadline"
	"onsale/domain/waitlist"
)

// State is all schedules and their deadlines. Only Apply and the Restore methods change it.
type State struct {
	schedules map[string]*Schedule
	deadlines *deadline.Queue[*Schedule]
	offerable map[string]*Schedule // schedules in which an offer may have become possible since NextOffer last looked
	holds     map[uint64]*Schedule // of each hold whose end was not emitted yet
}

// Schedule is one schedule.
type Schedule struct {
	Created
	Sequence  uint64 // of the command that created it
	Closed    bool
	Cancelled *Cancellation // nil: the performance takes place
	Layout    Layout

	seats          []Seat                       // scheduleSeatId n at n-1
	allocations    map[uint64]*Allocation       // by the sequence in their id
	expired        map[uint64]ExpiredAllocation // kept, so that a late command gets hold_expired or offer_expired
	reservations   map[uint64]Reservation       // by the sequence in their id
	pendingRelease map[domain.Time]int          // seats of expired holds, by the time when they are released
	waiting        map[uint64]WaitingEntry      // by the sequence in their id, those with an offer too
	taken          map[string]int               // seats held or reserved, by user
	freeInRow      []int                        // free seats, by row
	queues         map[string]*waitlist.List    // entries without an offer, by section; none is empty
	waitingByUser  map[string]uint64            // sequence of the user's entry
	remaining      *remainingEnds               // what the cancellation has not ended yet; nil: not looked for
}

// Allocation is a hold, or an offer to an entry of the waiting list, whose end was not emitted yet. Seats that were released or
// reserved are no longer in it.
type Allocation struct {
	Sequence        uint64      `json:"sequence"` // of an offer: that of its entry
	User            string      `json:"user"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	ExpiresAt       domain.Time `json:"expiresAt"`
	HeldAt          domain.Time `json:"heldAt,omitzero"` // extensions end at most MaxHoldSeconds after it
	Extensions      int         `json:"extensions,omitempty"`
	Warned          bool        `json:"warned,omitempty"` // Expiring was emitted for this end, or the end is too near
	Offer           bool        `json:"offer,omitempty"`
	Prepared        bool        `json:"prepared,omitempty"` // PaymentPrepared has moved its end
	PaymentID       string      `json:"imp_uid,omitempty"`  // of the order without a result; the hold does not expire before it has one
}

// isOver says whether the time of the hold or offer has passed.
func (h *Allocation) isOver(now domain.Time) bool { return h.PaymentID == "" && h.ExpiresAt <= now }

// isRetaken says whether a late order has taken the seats of the hold again, which had expired.
func (h *Allocation) isRetaken() bool { return h != nil && h.HeldAt == h.ExpiresAt }

// ExpiredAllocation is a hold or an offer that expired.
type ExpiredAllocation struct {
	User            string      `json:"user"`
	At              domain.Time `json:"at"`
	Offer           bool        `json:"offer,omitempty"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds,omitempty"` // of a hold that has to be paid: a late order takes them again
	Retaken         bool        `json:"retaken,omitempty"`         // a late order did, and failed: no other can
}

// Reservation is seats that belong to a user. A cancelled one keeps the seats that it had last.
type Reservation struct {
	User            string `json:"user"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	TotalPrice      int64  `json:"totalPrice"`
	Cancelled       bool   `json:"cancelled,omitempty"`
	PaymentID       string `json:"imp_uid,omitempty"` // of the order that paid for it
}

// WaitingEntry is an entry of the waiting list of a section. What is offered to it is the Allocation with its sequence.
type WaitingEntry struct {
	waitlist.Entry
	Section string `json:"section,omitempty"` // "": any
}

// New returns an empty state.
func New() *State {
	return &State{map[string]*Schedule{}, deadline.NewQueue(isActive), map[string]*Schedule{}, map[uint64]*Schedule{}}
}

// Schedule returns the schedule with this id, or nil.
func (s *State) Schedule(id string) *Schedule { return s.schedules[id] }

// IDs returns the ids of all schedules, in alphabetical order.
func (s *State) IDs() []string { return slices.Sorted(maps.Keys(s.schedules)) }

// Seat returns the seat with this id, 1 to Layout.Total().
func (sc *Schedule) Seat(id int) Seat { return sc.seats[id-1] }

// Allocations yields the holds and offers whose end was not emitted yet, by the sequence in their id.
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

// Expired yields the holds and offers that expired, by the sequence in their id.
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

// WaitingCount returns the number of waiting entries, those with an offer too.
func (sc *Schedule) WaitingCount() int { return len(sc.waiting) }

// WaitingEntry returns one of Waiting.
func (sc *Schedule) WaitingEntry(sequence uint64) (WaitingEntry, bool) {
	e, ok := sc.waiting[sequence]
	return e, ok
}

// Taken yields how many seats each user holds or has reserved, where there are any.
func (sc *Schedule) Taken() iter.Seq2[string, int] { return maps.All(sc.taken) }

// Ids are made of the sequence of the command that made what they name. The Sequence functions return 0 for any other id.

func HoldID(sequence uint64) string { return "h" + strconv.FormatUint(sequence, 10) }

func HoldSequence(id string) uint64 { return domain.SequenceAfter("h", id) }

func ReservationID(schedule string, sequence uint64) string {
	return schedule + "-r" + strconv.FormatUint(sequence, 10)
}

func ReservationSequence(schedule, id string) uint64 { return domain.SequenceAfter(schedule+"-r", id) }

func WaitingID(schedule string, sequence uint64) string {
	return schedule + "-ws" + strconv.FormatUint(sequence, 10)
}

func WaitingSequence(schedule, id string) uint64 { return domain.SequenceAfter(schedule+"-ws", id) }

// Refs returns the sequences of the hold, the reservation and the waiting entry that e names; 0 where it names none. The
// sequence of a waiting entry is that of its offer, too. Ids of payments are the user's choice and may look like any of them.
func Refs(e domain.Event) (hold, reservation, waiting uint64) {
	ids := e.IDs()
	if paid, ok := e.Body.(interface{ ids() []string }); ok {
		ids = paid.ids()
	}
	for _, id := range ids {
		hold = max(hold, HoldSequence(id))
		reservation = max(reservation, ReservationSequence(e.Entity, id))
		waiting = max(waiting, WaitingSequence(e.Entity, id))
	}
	return hold, reservation, waiting
}
