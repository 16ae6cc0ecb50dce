// What can be asked of a schedule's seats, and what can have happened to them. The bytes of these structs are the log's
// format: a changed meaning is a new version beside the old one.
package seats

import "onsale/domain"

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
	Sections        []Section   `json:"sections"`
}

func (Create) Type() (string, int) { return "seats.create", 1 }

// Hold asks for several seats, all or none.
type Hold struct {
	ScheduleSeatIDs []int `json:"scheduleSeatIds"`
}

func (Hold) Type() (string, int) { return "seats.hold", 1 }

// Release gives back a whole hold, or those of the named seats that the user holds. Exactly one field is set.
type Release struct {
	HoldID          string `json:"holdId,omitempty"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"`
}

func (Release) Type() (string, int) { return "seats.release", 1 }

// Reserve makes held seats the user's for good: a whole hold, some seats of it, or seats of any of the user's holds.
type Reserve struct {
	HoldID          string `json:"holdId,omitempty"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"`
}

func (Reserve) Type() (string, int) { return "seats.reserve", 1 }

// Created is a schedule with everything that its rules need: the layout, never the single seats.
type Created struct {
	ScheduleID      string      `json:"scheduleId"`
	Title           string      `json:"title"`
	StartsAt        domain.Time `json:"startsAt,omitzero"`
	HoldSeconds     int         `json:"holdSeconds"`
	MaxSeatsPerUser int         `json:"maxSeatsPerUser"`
	Sections        []Section   `json:"sections"`
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
	ScheduleID      string      `json:"scheduleId"`
	HoldID          string      `json:"holdId"` // "h<sequence of the command>"
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	HeldSeats       []HeldSeat  `json:"heldSeats"`
	TotalPrice      int64       `json:"totalPrice"`
	ExpiresAt       domain.Time `json:"expiresAt"`
	Now             domain.Time `json:"now"` // of the decision, so that a countdown needs no clock of its own
}

func (Held) Type() (string, int) { return "seats.held", 1 }

// Released is seats given back by their holder; none, when nothing of what was named was theirs.
type Released struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	ReleasedCount   int    `json:"releasedCount"`
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

// Expired is a hold that is over; its seats are free again.
type Expired struct {
	ScheduleID      string      `json:"scheduleId"`
	HoldID          string      `json:"holdId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	ExpiresAt       domain.Time `json:"expiresAt"`
}

func (Expired) Type() (string, int) { return "seats.expired", 1 }
