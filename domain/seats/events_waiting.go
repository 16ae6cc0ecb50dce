// What can have happened to those who wait for seats.
package seats

import "onsale/domain"

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
