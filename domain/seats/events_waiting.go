// Events of the waiting lists.

package seats

import (
	"onsale/domain"
	"onsale/domain/waitlist"
)

// Joined is a new entry in a waiting list.
type Joined struct {
	ScheduleID string `json:"scheduleId"`
	WaitingID  string `json:"waitingId"` // "<scheduleId>-ws<sequence of the command>"
	Quantity   int    `json:"quantity"`
	Section    string `json:"section,omitempty"`
	Position   int    `json:"position"` // in the list of this section at the time of joining; 1 is the next
}

func (Joined) Type() (string, int) { return "seats.joined", 1 }
func (j Joined) Result() any {
	return waitlist.JoinResult{WaitingID: j.WaitingID, Position: j.Position}
}
func (j Joined) IDs(string) []string { return []string{j.WaitingID} }

// Left is an entry whose user left. Seats on offer to it are free again.
type Left struct {
	ScheduleID      string `json:"scheduleId"`
	WaitingID       string `json:"waitingId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"`
}

func (Left) Type() (string, int)    { return "seats.left", 1 }
func (l Left) Result() any          { return l }
func (l Left) IDs(string) []string  { return []string{l.WaitingID} }
func (l Left) Seats() []int         { return l.ScheduleSeatIDs }
func (l Left) SeatChanges() Changes { return changes(l.ScheduleSeatIDs, StatusAvailable) }

// Offered is seats kept for an entry until ExpiresAt. The public sees them as held.
type Offered struct {
	ScheduleID      string      `json:"scheduleId"`
	WaitingID       string      `json:"waitingId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	HeldSeats       []HeldSeat  `json:"heldSeats"`
	TotalPrice      int64       `json:"totalPrice"`
	ExpiresAt       domain.Time `json:"expiresAt"`
}

func (Offered) Type() (string, int)    { return "seats.offered", 1 }
func (o Offered) IDs(string) []string  { return []string{o.WaitingID} }
func (o Offered) Seats() []int         { return o.ScheduleSeatIDs }
func (o Offered) SeatChanges() Changes { return changes(o.ScheduleSeatIDs, StatusHeld) }

// Accepted is an offer that became a hold.
type Accepted struct {
	ScheduleID      string      `json:"scheduleId"`
	WaitingID       string      `json:"waitingId"`
	HoldID          string      `json:"holdId"` // "h<sequence of the command>"
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	HeldSeats       []HeldSeat  `json:"heldSeats"`
	TotalPrice      int64       `json:"totalPrice"`
	ExpiresAt       domain.Time `json:"expiresAt"`
	Now             domain.Time `json:"now"`
}

func (Accepted) Type() (string, int)   { return "seats.accepted", 1 }
func (a Accepted) Result() any         { return a }
func (Accepted) Created()              {}
func (a Accepted) IDs(string) []string { return []string{a.WaitingID, a.HoldID} }
func (a Accepted) Seats() []int        { return a.ScheduleSeatIDs }

// Declined is an offer that its user declined; the waiting is over.
type Declined struct {
	ScheduleID      string `json:"scheduleId"`
	WaitingID       string `json:"waitingId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
}

func (Declined) Type() (string, int)    { return "seats.declined", 1 }
func (d Declined) Result() any          { return d }
func (d Declined) IDs(string) []string  { return []string{d.WaitingID} }
func (d Declined) Seats() []int         { return d.ScheduleSeatIDs }
func (d Declined) SeatChanges() Changes { return changes(d.ScheduleSeatIDs, StatusAvailable) }

// OfferExpired is an offer that was not accepted in time, or that ended at ExpiresAt because an admin reclaimed a seat of it. The
// waiting is over.
type OfferExpired struct {
	ScheduleID      string      `json:"scheduleId"`
	WaitingID       string      `json:"waitingId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	ExpiresAt       domain.Time `json:"expiresAt"`

	ScheduleCancelled bool   `json:"scheduleCancelled,omitempty"` // as of Expired
	Reason            string `json:"reason,omitempty"`
}

func (OfferExpired) Type() (string, int)    { return "seats.offer-expired", 1 }
func (o OfferExpired) IDs(string) []string  { return []string{o.WaitingID} }
func (o OfferExpired) Seats() []int         { return o.ScheduleSeatIDs }
func (o OfferExpired) SeatChanges() Changes { return changes(o.ScheduleSeatIDs, StatusAvailable) }
