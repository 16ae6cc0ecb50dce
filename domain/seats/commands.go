// What can be asked of a schedule's seats. The bytes of these structs are the log's format: a changed meaning is a new
// version beside the old one.

package seats

import (
	"slices"

	"onsale/domain"
)

// Layout of a schedule: seats are numbered 1..N through sections, rows and places in this order (scheduleSeatId).
type Section struct {
	Name  string `json:"name"`
	Price int64  `json:"price"` // in the currency's minor unit
	Rows  []Row  `json:"rows"`
}

// Row has its seats numbered from 1.
type Row struct {
	Name  string `json:"name"`
	Seats int    `json:"seats"`
}

// Create opens a schedule; its id is the command's entity.
type Create struct {
	Title           string      `json:"title"`
	StartsAt        domain.Time `json:"startsAt,omitzero"`
	HoldSeconds     int         `json:"holdSeconds"`     // 1 to 86,400
	MaxSeatsPerUser int         `json:"maxSeatsPerUser"` // 1 to 1,000
	Options
	Sections []Section `json:"sections"`
}

// Options of a schedule. Zero is: no extension, no rule about single seats, seats come back at once.
type Options struct {
	MaxExtensions       int  `json:"maxExtensions,omitempty"`       // how often a hold may be extended, 0 to 100
	MaxHoldSeconds      int  `json:"maxHoldSeconds,omitempty"`      // and to how long in all, holdSeconds to 86,400
	NoOrphans           bool `json:"noOrphans,omitempty"`           // chosen seats must not leave a single free one, where that can be avoided
	ReleaseEverySeconds int  `json:"releaseEverySeconds,omitempty"` // seats of holds that ran out come back together, at multiples of this since 1970; 0: at once; to 3,600
}

func (Create) Type() (string, int) { return "seats.create", 1 }

// Hold asks for several seats, all or none: those named, or the best that there are. Exactly one field is set.
type Hold struct {
	ScheduleSeatIDs []int          `json:"scheduleSeatIds,omitempty"`
	BestAvailable   *BestAvailable `json:"bestAvailable,omitempty"`
}

// BestAvailable asks for seats side by side in a row: nearest to the middle of the front.
type BestAvailable struct {
	Count   int    `json:"count"`
	Section string `json:"section,omitempty"` // "": any
}

func (Hold) Type() (string, int) { return "seats.hold", 1 }
func (h Hold) Seats() []int      { return h.ScheduleSeatIDs }

// Release gives back a whole hold, or those of the named seats that the user holds. Exactly one field is set.
type Release struct {
	HoldID          string `json:"holdId,omitempty"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"`
}

func (Release) Type() (string, int)   { return "seats.release", 1 }
func (r Release) IDs(string) []string { return []string{r.HoldID} }
func (r Release) Seats() []int        { return r.ScheduleSeatIDs }

// Reserve makes held seats the user's for good: a whole hold, some seats of it, or seats of any of the user's holds.
type Reserve struct {
	HoldID          string `json:"holdId,omitempty"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"`
}

func (Reserve) Type() (string, int)   { return "seats.reserve", 1 }
func (r Reserve) IDs(string) []string { return []string{r.HoldID} }
func (r Reserve) Seats() []int        { return r.ScheduleSeatIDs }

// Extend begins the time of a hold anew, as far as the schedule's options allow.
type Extend struct {
	HoldID string `json:"holdId"`
}

func (Extend) Type() (string, int)   { return "seats.extend", 1 }
func (e Extend) IDs(string) []string { return []string{e.HoldID} }

// Swap gives some seats of a hold back and takes others in their place, all or nothing. The hold's time stays.
type Swap struct {
	HoldID  string `json:"holdId"`
	Release []int  `json:"release"`
	Take    []int  `json:"take"`
}

func (Swap) Type() (string, int)   { return "seats.swap", 1 }
func (s Swap) IDs(string) []string { return []string{s.HoldID} }
func (s Swap) Seats() []int        { return slices.Concat(s.Release, s.Take) }

// Cancel gives the seats of a reservation back.
type Cancel struct {
	ReservationID string `json:"reservationId"`
}

func (Cancel) Type() (string, int)   { return "seats.cancel", 1 }
func (c Cancel) IDs(string) []string { return []string{c.ReservationID} }

// Block takes free seats off sale.
type Block struct {
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	Reason          string `json:"reason,omitempty"`
}

func (Block) Type() (string, int) { return "seats.block", 1 }
func (b Block) Seats() []int      { return b.ScheduleSeatIDs }

// Unblock puts blocked seats on sale.
type Unblock struct {
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	Reason          string `json:"reason,omitempty"`
}

func (Unblock) Type() (string, int) { return "seats.unblock", 1 }
func (u Unblock) Seats() []int      { return u.ScheduleSeatIDs }

// Reclaim is the shop's own release: held seats are taken from their holders, reserved ones from their owners.
type Reclaim struct {
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"` // at most MaxReclaim
	Reason          string `json:"reason,omitempty"`
}

func (Reclaim) Type() (string, int) { return "seats.reclaim", 1 }
func (r Reclaim) Seats() []int      { return r.ScheduleSeatIDs }

// Close ends the sale. Holds and offers that stand can still become reservations.
type Close struct {
	Reason string `json:"reason,omitempty"`
}

func (Close) Type() (string, int) { return "seats.close", 1 }

// Join puts the user who sends it at the end of the waiting list of a section, or of all.
type Join struct {
	Quantity int    `json:"quantity"` // seats side by side, 1 to the schedule's limit per user
	Section  string `json:"section,omitempty"`
}

func (Join) Type() (string, int) { return "seats.join", 1 }

// Leave ends the waiting, an offer included.
type Leave struct {
	WaitingID string `json:"waitingId"`
}

func (Leave) Type() (string, int)   { return "seats.leave", 1 }
func (l Leave) IDs(string) []string { return []string{l.WaitingID} }

// Accept makes a hold of what is offered.
type Accept struct {
	WaitingID string `json:"waitingId"`
}

func (Accept) Type() (string, int)   { return "seats.accept", 1 }
func (a Accept) IDs(string) []string { return []string{a.WaitingID} }

// Decline lets the next one have what is offered, and ends the waiting.
type Decline struct {
	WaitingID string `json:"waitingId"`
}

func (Decline) Type() (string, int)   { return "seats.decline", 1 }
func (d Decline) IDs(string) []string { return []string{d.WaitingID} }
