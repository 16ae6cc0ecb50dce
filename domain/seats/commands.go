// Commands on the seats of a schedule. The JSON of these structs is the format of the log: a changed meaning is a new version
// beside the old one. Check methods return a *domain.FieldError for the first invalid field.

package seats

import (
	"fmt"
	"slices"

	"onsale/domain"
)

// Limits of a schedule and its commands.
const (
	MaxSeats           = 200_000 // of a schedule: twice the largest stadium
	MaxRows            = 10_000
	MaxSeatsPerCommand = 1_000 // seats named in one command
	MaxReclaim         = 100   // seats named in one Reclaim: its events must fit among those of one command
	MaxName            = 40    // bytes of the name of a section or row, as JSON spells it
	MaxTitle           = 200   // bytes
	MaxPrice           = 1_000_000_000_000
	MaxHoldSeconds     = 86_400
	MaxPerUser         = 1_000
	MaxSections        = 1_000
	MaxExtensions      = 100       // extensions of a hold
	MaxReleaseSeconds  = 3_600     // seconds between fixed times of release
	MaxLayoutBytes     = 240 << 10 // bytes of all sections as JSON: the event that carries them has to fit into EVENTS
	MaxRefundTiers     = 10
	MaxReclaimPaid     = 40     // as MaxReclaim, where paid seats are refunded: each reservation makes up to five events
	MaxReclaimed       = 10_000 // seats that one Reclaim can end with whole reservations: one event names them all
)

// Hold holds several seats, all or none: those named, or the best available. Exactly one field is set.
type Hold struct {
	ScheduleSeatIDs []int          `json:"scheduleSeatIds,omitempty"`
	BestAvailable   *BestAvailable `json:"bestAvailable,omitempty"`
}

// BestAvailable asks for seats side by side in one row, as near to the middle of the front as possible.
type BestAvailable struct {
	Count   int    `json:"count"`
	Section string `json:"section,omitempty"` // "": any
}

func (Hold) Type() (string, int) { return "seats.hold", 1 }
func (h Hold) Seats() []int      { return h.ScheduleSeatIDs }
func (h Hold) Check() error {
	switch {
	case h.BestAvailable == nil:
		return checkSeats("scheduleSeatIds", h.ScheduleSeatIDs)
	case h.ScheduleSeatIDs != nil:
		return domain.InvalidField("bestAvailable", "give either scheduleSeatIds or bestAvailable")
	case h.BestAvailable.Count < 1:
		return domain.InvalidField("bestAvailable.count", "at least 1")
	}
	return checkSection("bestAvailable.section", h.BestAvailable.Section)
}

func checkSeats(field string, ids []int) error {
	if len(ids) == 0 {
		return domain.InvalidField(field, "names no seat")
	}
	seen := make(map[int]bool, len(ids))
	for i, id := range ids {
		at := fmt.Sprintf("%s[%d]", field, i)
		if id < 1 {
			return domain.InvalidField(at, "seats are numbered from 1")
		}
		if seen[id] {
			return domain.InvalidField(at, "seat %d is named twice", id)
		}
		seen[id] = true
	}
	return nil
}

// Release gives back a whole hold, or those of the named seats that the user holds. Exactly one field is set.
type Release struct {
	HoldID          string `json:"holdId,omitempty"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"`
}

func (Release) Type() (string, int)   { return "seats.release", 1 }
func (r Release) Check() error        { return checkHoldOrSeats(r.HoldID, r.ScheduleSeatIDs, false) }
func (r Release) IDs(string) []string { return []string{r.HoldID} }
func (r Release) Seats() []int        { return r.ScheduleSeatIDs }

// Reserve makes held seats the user's: a whole hold, some seats of it, or seats of any of the user's holds.
type Reserve struct {
	HoldID          string `json:"holdId,omitempty"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"`
}

func (Reserve) Type() (string, int)   { return "seats.reserve", 1 }
func (r Reserve) Check() error        { return checkHoldOrSeats(r.HoldID, r.ScheduleSeatIDs, true) }
func (r Reserve) IDs(string) []string { return []string{r.HoldID} }
func (r Reserve) Seats() []int        { return r.ScheduleSeatIDs }

// checkHoldOrSeats wants a hold or seats, or where allowed seats of a hold.
func checkHoldOrSeats(holdID string, ids []int, allowBoth bool) error {
	switch {
	case holdID == "":
		return checkSeats("scheduleSeatIds", ids)
	case domain.CheckID(holdID) != nil:
		return domain.CheckIDField("holdId", holdID)
	case ids == nil:
		return nil
	case !allowBoth:
		return domain.InvalidField("scheduleSeatIds", "give either holdId or scheduleSeatIds")
	}
	return checkSeats("scheduleSeatIds", ids)
}

// Extend restarts the time of a hold, as far as the schedule's options allow.
type Extend struct {
	HoldID string `json:"holdId"`
}

func (Extend) Type() (string, int)   { return "seats.extend", 1 }
func (e Extend) Check() error        { return domain.CheckIDField("holdId", e.HoldID) }
func (e Extend) IDs(string) []string { return []string{e.HoldID} }

// Swap releases some seats of a hold and takes others for it, all or nothing. The hold's end stays.
type Swap struct {
	HoldID  string `json:"holdId"`
	Release []int  `json:"release"`
	Take    []int  `json:"take"`
}

func (Swap) Type() (string, int)   { return "seats.swap", 1 }
func (s Swap) IDs(string) []string { return []string{s.HoldID} }
func (s Swap) Seats() []int        { return slices.Concat(s.Release, s.Take) }
func (s Swap) Check() error {
	if err := domain.CheckIDField("holdId", s.HoldID); err != nil {
		return err
	}
	if len(s.Release) > 0 {
		if err := checkSeats("release", s.Release); err != nil {
			return err
		}
	}
	if len(s.Take) > 0 || len(s.Release) == 0 {
		if err := checkSeats("take", s.Take); err != nil {
			return err
		}
	}
	return checkSeats("take", s.Seats()) // a seat that is both released and taken
}

// Cancel gives the seats of a reservation back.
type Cancel struct {
	ReservationID string `json:"reservationId"`
}

func (Cancel) Type() (string, int)   { return "seats.cancel", 1 }
func (c Cancel) Check() error        { return domain.CheckIDField("reservationId", c.ReservationID) }
func (c Cancel) IDs(string) []string { return []string{c.ReservationID} }

// Block takes free seats off sale.
type Block struct {
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	Reason          string `json:"reason,omitempty"`
}

func (Block) Type() (string, int) { return "seats.block", 1 }
func (b Block) Check() error      { return checkSeatsAndReason(b.ScheduleSeatIDs, b.Reason) }
func (b Block) Seats() []int      { return b.ScheduleSeatIDs }

// Unblock puts blocked seats back on sale.
type Unblock struct {
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	Reason          string `json:"reason,omitempty"`
}

func (Unblock) Type() (string, int) { return "seats.unblock", 1 }
func (u Unblock) Check() error      { return checkSeatsAndReason(u.ScheduleSeatIDs, u.Reason) }
func (u Unblock) Seats() []int      { return u.ScheduleSeatIDs }

// Reclaim takes seats from the users who hold or reserved them.
type Reclaim struct {
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"` // at most MaxReclaim; with Refund, MaxReclaimPaid
	Reason          string `json:"reason,omitempty"`
	Refund          bool   `json:"refund,omitempty"` // paid seats too: each of their reservations ends as a whole and is refunded
}

func (Reclaim) Type() (string, int) { return "seats.reclaim", 1 }
func (r Reclaim) Check() error      { return checkSeatsAndReason(r.ScheduleSeatIDs, r.Reason) }
func (r Reclaim) Seats() []int      { return r.ScheduleSeatIDs }

func checkSeatsAndReason(ids []int, reason string) error {
	if err := checkSeats("scheduleSeatIds", ids); err != nil {
		return err
	}
	return domain.CheckReason(reason, domain.MaxReason)
}

// Close ends the sale. Holds and offers can still become reservations.
type Close struct {
	Reason string `json:"reason,omitempty"`
}

func (Close) Type() (string, int) { return "seats.close", 1 }
func (c Close) Check() error      { return domain.CheckReason(c.Reason, domain.MaxReason) }

// CancelSchedule calls the whole performance off: nothing can be held any more, every hold is over, and every paid reservation is
// refunded in full.
type CancelSchedule struct {
	Reason string `json:"reason,omitempty"`
}

func (CancelSchedule) Type() (string, int) { return "seats.cancel-schedule", 1 }
func (c CancelSchedule) Check() error      { return domain.CheckReason(c.Reason, domain.MaxReason) }

// Join puts the user at the end of the waiting list of a section, or of all sections.
type Join struct {
	Quantity int    `json:"quantity"` // seats side by side, 1 to the schedule's limit per user
	Section  string `json:"section,omitempty"`
}

func (Join) Type() (string, int) { return "seats.join", 1 }
func (j Join) Check() error {
	if j.Quantity < 1 {
		return domain.InvalidField("quantity", "at least 1")
	}
	return checkSection("section", j.Section)
}

// Leave ends the waiting, with or without an offer.
type Leave struct {
	WaitingID string `json:"waitingId"`
}

func (Leave) Type() (string, int)   { return "seats.leave", 1 }
func (l Leave) Check() error        { return domain.CheckIDField("waitingId", l.WaitingID) }
func (l Leave) IDs(string) []string { return []string{l.WaitingID} }

// Accept turns an offer into a hold.
type Accept struct {
	WaitingID string `json:"waitingId"`
}

func (Accept) Type() (string, int)   { return "seats.accept", 1 }
func (a Accept) Check() error        { return domain.CheckIDField("waitingId", a.WaitingID) }
func (a Accept) IDs(string) []string { return []string{a.WaitingID} }

// Decline turns an offer down and ends the waiting. The seats are offered to the next user.
type Decline struct {
	WaitingID string `json:"waitingId"`
}

func (Decline) Type() (string, int)   { return "seats.decline", 1 }
func (d Decline) Check() error        { return domain.CheckIDField("waitingId", d.WaitingID) }
func (d Decline) IDs(string) []string { return []string{d.WaitingID} }
