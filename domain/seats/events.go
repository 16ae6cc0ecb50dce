// What can have happened to a schedule's seats. The bytes of these structs are the log's format, and they are what clients
// read as results: a changed meaning is a new version beside the old one.

package seats

import (
	"onsale/domain"
)

// Created is a schedule with everything that its rules need: the layout, never the single seats.
type Created struct {
	ScheduleID      string      `json:"scheduleId"`
	Title           string      `json:"title"`
	StartsAt        domain.Time `json:"startsAt,omitzero"`
	HoldSeconds     int         `json:"holdSeconds"`
	MaxSeatsPerUser int         `json:"maxSeatsPerUser"`
	Options
	Sections []Section `json:"sections"`
}

func (Created) Type() (string, int) { return "seats.created", 1 }

// HeldSeat is one seat of a hold as its owner sees it.
type HeldSeat struct {
	ScheduleSeatID int    `json:"scheduleSeatId"`
	DisplayName    string `json:"displayName"` // "<section>-<row>-<number>"
	Price          int64  `json:"price"`
}

// Held is seats kept for one user until ExpiresAt.
type Held struct {
	ScheduleID      string               `json:"scheduleId"`
	HoldID          string               `json:"holdId"` // "h<sequence of the command>"
	ScheduleSeatIDs []int                `json:"scheduleSeatIds"`
	HeldSeats       []HeldSeat           `json:"heldSeats"`
	TotalPrice      int64                `json:"totalPrice"`
	ExpiresAt       domain.Time          `json:"expiresAt"`
	Now             domain.Time          `json:"now"` // of the decision, so that a countdown needs no clock of its own
	BestAvailable   *BestAvailableResult `json:"bestAvailable,omitempty"`
}

// BestAvailableResult says how seats were found that nobody named.
type BestAvailableResult struct {
	Section string `json:"section"`
	Orphans []int  `json:"orphans,omitempty"` // single free seats that it leaves: it could not be avoided
}

func (Held) Type() (string, int) { return "seats.held", 1 }

// Released is seats of a hold given back, by the holder or, without a request, by the shop; none, when nothing of what was
// named was theirs.
type Released struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	ReleasedCount   int    `json:"releasedCount"`
	Reason          string `json:"reason,omitempty"` // the shop's
}

func (Released) Type() (string, int) { return "seats.released", 1 }

// Reserved is seats that belong to one user.
type Reserved struct {
	ScheduleID      string `json:"scheduleId"`
	ReservationID   string `json:"reservationId"` // "<scheduleId>-r<sequence of the command>"
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	TotalPrice      int64  `json:"totalPrice"`
}

func (Reserved) Type() (string, int) { return "seats.reserved", 1 }

// Expired is a hold that is over; its seats are free again, or will be.
type Expired struct {
	ScheduleID      string      `json:"scheduleId"`
	HoldID          string      `json:"holdId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	ExpiresAt       domain.Time `json:"expiresAt"`
	ReleaseAt       domain.Time `json:"freeAt,omitzero"` // when the seats come back, where that is later
}

func (Expired) Type() (string, int) { return "seats.expired", 1 }

// ReleasedToSale is seats of holds that ran out, back on sale at their known time, or earlier by the shop; at most 1,000, more
// come in several. It concerns nobody.
type ReleasedToSale struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
}

func (ReleasedToSale) Type() (string, int) { return "seats.released-to-sale", 1 }

// Expiring warns a holder, WarnBefore the end.
type Expiring struct {
	ScheduleID string      `json:"scheduleId"`
	HoldID     string      `json:"holdId"`
	ExpiresAt  domain.Time `json:"expiresAt"`
}

func (Expiring) Type() (string, int) { return "seats.expiring", 1 }

// Extended is a hold with more time.
type Extended struct {
	ScheduleID string      `json:"scheduleId"`
	HoldID     string      `json:"holdId"`
	ExpiresAt  domain.Time `json:"expiresAt"`
	Now        domain.Time `json:"now"`
}

func (Extended) Type() (string, int) { return "seats.extended", 1 }

// Swapped is a hold with other seats.
type Swapped struct {
	ScheduleID      string      `json:"scheduleId"`
	HoldID          string      `json:"holdId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"` // of the hold, from now on
	HeldSeats       []HeldSeat  `json:"heldSeats"`
	TotalPrice      int64       `json:"totalPrice"`
	ExpiresAt       domain.Time `json:"expiresAt"`
	Now             domain.Time `json:"now"`
	Released        []int       `json:"released"` // seats
	Taken           []int       `json:"taken"`
}

func (Swapped) Type() (string, int) { return "seats.swapped", 1 }

// Cancelled is seats of a reservation given back: all of them by their owner, or some, without a request, by the shop.
type Cancelled struct {
	ScheduleID      string `json:"scheduleId"`
	ReservationID   string `json:"reservationId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	Reason          string `json:"reason,omitempty"` // the shop's
}

func (Cancelled) Type() (string, int) { return "seats.cancelled", 1 }

// Reclaimed answers who asked for Free; Released and Cancelled, before it, are what happened.
type Reclaimed struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	ReleasedCount   int    `json:"releasedCount"`
	Reason          string `json:"reason,omitempty"`
}

func (Reclaimed) Type() (string, int) { return "seats.reclaimed", 1 }

// Blocked is seats that are not on sale.
type Blocked struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	Reason          string `json:"reason,omitempty"`
}

func (Blocked) Type() (string, int) { return "seats.blocked", 1 }

// Unblocked is seats on sale again.
type Unblocked struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	Reason          string `json:"reason,omitempty"`
}

func (Unblocked) Type() (string, int) { return "seats.unblocked", 1 }

// Closed is the end of the sale.
type Closed struct {
	ScheduleID string `json:"scheduleId"`
	Reason     string `json:"reason,omitempty"`
}

func (Closed) Type() (string, int) { return "seats.closed", 1 }

// What can have happened to those who wait for seats.

// Joined is a place in a waiting list.
type Joined struct {
	ScheduleID string `json:"scheduleId"`
	WaitingID  string `json:"waitingId"` // "<scheduleId>-ws<sequence of the command>"
	Quantity   int    `json:"quantity"`
	Section    string `json:"section,omitempty"`
	Position   int    `json:"position"` // 1 is the next; counted when they joined, in the list of this section
}

func (Joined) Type() (string, int) { return "seats.joined", 1 }

// Left is the end of waiting by the one who waited. Seats that were on offer to them are free again.
type Left struct {
	ScheduleID      string `json:"scheduleId"`
	WaitingID       string `json:"waitingId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"`
}

func (Left) Type() (string, int) { return "seats.left", 1 }

// Offered is seats kept for one who waits, until ExpiresAt. Others see them as held.
type Offered struct {
	ScheduleID      string      `json:"scheduleId"`
	WaitingID       string      `json:"waitingId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	HeldSeats       []HeldSeat  `json:"heldSeats"`
	TotalPrice      int64       `json:"totalPrice"`
	ExpiresAt       domain.Time `json:"expiresAt"`
}

func (Offered) Type() (string, int) { return "seats.offered", 1 }

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

func (Accepted) Type() (string, int) { return "seats.accepted", 1 }

// Declined is an offer that was not wanted; the waiting is over.
type Declined struct {
	ScheduleID      string `json:"scheduleId"`
	WaitingID       string `json:"waitingId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
}

func (Declined) Type() (string, int) { return "seats.declined", 1 }

// OfferExpired is an offer that nobody accepted in time, or that ended when the shop took a seat of it back: then at that
// moment. The waiting is over.
type OfferExpired struct {
	ScheduleID      string      `json:"scheduleId"`
	WaitingID       string      `json:"waitingId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	ExpiresAt       domain.Time `json:"expiresAt"`
}

func (OfferExpired) Type() (string, int) { return "seats.offer-expired", 1 }
