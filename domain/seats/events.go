// Events of seats. The JSON of these structs is the format of the log, and what clients get as results: a changed meaning is a
// new version beside the old one.

package seats

import (
	"iter"
	"slices"

	"onsale/domain"
)

// Changer is an event that gives seats another status as the public sees it. SeatChanges yields the seats and that status. Its
// order is part of the event's version: a position within an event's SSE frames counts on it.
type Changer interface {
	SeatChanges() Changes
}

// Changes yields seats and their new status.
type Changes = iter.Seq2[int, Status]

func changes(ids []int, status Status) Changes {
	return func(yield func(int, Status) bool) {
		for _, id := range ids {
			if !yield(id, status) {
				return
			}
		}
	}
}

// Results that show less than their event: what the command named, its sender knows.
type (
	holdResult struct {
		HoldID          string               `json:"holdId"`
		ScheduleSeatIDs []int                `json:"scheduleSeatIds"`
		HeldSeats       []HeldSeat           `json:"heldSeats"`
		TotalPrice      int64                `json:"totalPrice"`
		ExpiresAt       domain.Time          `json:"expiresAt"`
		Now             domain.Time          `json:"now"`
		BestAvailable   *BestAvailableResult `json:"bestAvailable,omitempty"`
	}
	reserveResult struct {
		ReservationID   string `json:"reservationId"`
		ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
		TotalPrice      int64  `json:"totalPrice"`
	}
	releaseResult struct {
		ReleasedCount int `json:"releasedCount"`
	}
	extendResult struct {
		HoldID    string      `json:"holdId"`
		ExpiresAt domain.Time `json:"expiresAt"`
		Now       domain.Time `json:"now"`
	}
)

// Created has everything that the rules of a schedule need: its layout, not its single seats.
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
func (c Created) Result() any       { return c }
func (Created) Created()            {}
func (Created) Command() string     { return "seats.create" }

// HeldSeat is a seat of a hold as its owner sees it.
type HeldSeat struct {
	ScheduleSeatID int    `json:"scheduleSeatId"`
	DisplayName    string `json:"displayName"` // "<section>-<row>-<number>"
	Price          int64  `json:"price"`
}

// Held is seats held by a user until ExpiresAt.
type Held struct {
	ScheduleID      string               `json:"scheduleId"`
	HoldID          string               `json:"holdId"` // "h<sequence of the command>"
	ScheduleSeatIDs []int                `json:"scheduleSeatIds"`
	HeldSeats       []HeldSeat           `json:"heldSeats"`
	TotalPrice      int64                `json:"totalPrice"`
	ExpiresAt       domain.Time          `json:"expiresAt"`
	Now             domain.Time          `json:"now"` // of the decision, so that a countdown does not depend on the client's clock
	BestAvailable   *BestAvailableResult `json:"bestAvailable,omitempty"`
}

// BestAvailableResult says where the best available seats were found.
type BestAvailableResult struct {
	Section string `json:"section"`
	Orphans []int  `json:"orphans,omitempty"` // single free seats that could not be avoided
}

func (Held) Type() (string, int) { return "seats.held", 1 }
func (h Held) Result() any {
	return holdResult{h.HoldID, h.ScheduleSeatIDs, h.HeldSeats, h.TotalPrice, h.ExpiresAt, h.Now, h.BestAvailable}
}
func (Held) Created()               {}
func (h Held) IDs(string) []string  { return []string{h.HoldID} }
func (h Held) Seats() []int         { return h.ScheduleSeatIDs }
func (h Held) SeatChanges() Changes { return changes(h.ScheduleSeatIDs, StatusHeld) }

// Released is seats of a hold given back by the holder, or without a request reclaimed by an admin. It has no seats when the user
// held none of those named.
type Released struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	ReleasedCount   int    `json:"releasedCount"`
	Reason          string `json:"reason,omitempty"`  // the admin's
	PaymentID       string `json:"imp_uid,omitempty"` // of the order without a result that loses the seats
}

func (Released) Type() (string, int)    { return "seats.released", 1 }
func (r Released) Result() any          { return releaseResult{r.ReleasedCount} }
func (r Released) ids() []string        { return nil }
func (r Released) IDs(string) []string  { return []string{r.PaymentID} }
func (r Released) Seats() []int         { return r.ScheduleSeatIDs }
func (r Released) SeatChanges() Changes { return changes(r.ScheduleSeatIDs, StatusAvailable) }

// Reserved is seats that belong to a user: without a payment, or because the order of the event before it succeeded.
type Reserved struct {
	ScheduleID      string `json:"scheduleId"`
	ReservationID   string `json:"reservationId"` // "<scheduleId>-r<sequence of the command>"
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	TotalPrice      int64  `json:"totalPrice"`
	HoldID          string `json:"holdId,omitempty"` // of a paid reservation
	PaymentID       string `json:"imp_uid,omitempty"`
}

func (Reserved) Type() (string, int) { return "seats.reserved", 1 }
func (r Reserved) Result() any {
	return reserveResult{r.ReservationID, r.ScheduleSeatIDs, r.TotalPrice}
}
func (Reserved) Created()               {}
func (r Reserved) ids() []string        { return []string{r.ReservationID, r.HoldID} }
func (r Reserved) IDs(string) []string  { return append(r.ids(), r.PaymentID) }
func (r Reserved) Seats() []int         { return r.ScheduleSeatIDs }
func (r Reserved) SeatChanges() Changes { return changes(r.ScheduleSeatIDs, StatusReserved) }

// Expired is the end of a hold. Its seats are free again, or will be at ReleaseAt.
type Expired struct {
	ScheduleID      string      `json:"scheduleId"`
	HoldID          string      `json:"holdId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	ExpiresAt       domain.Time `json:"expiresAt"`
	ReleaseAt       domain.Time `json:"freeAt,omitzero"` // when the seats are released, where that is later

	ScheduleCancelled bool   `json:"scheduleCancelled,omitempty"` // it ended because the performance was called off
	Reason            string `json:"reason,omitempty"`            // the admin's, why it was
}

func (Expired) Type() (string, int)   { return "seats.expired", 1 }
func (e Expired) IDs(string) []string { return []string{e.HoldID} }
func (e Expired) Seats() []int        { return e.ScheduleSeatIDs }
func (e Expired) SeatChanges() Changes {
	if e.ReleaseAt != 0 { // others still see the seats as held
		return changes(nil, StatusAvailable)
	}
	return changes(e.ScheduleSeatIDs, StatusAvailable)
}

// ReleasedToSale is seats of expired holds that are back on sale, at their fixed time or reclaimed by an admin before it. It has at
// most 1,000 seats; more need several events. It has no user.
type ReleasedToSale struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
}

func (ReleasedToSale) Type() (string, int)    { return "seats.released-to-sale", 1 }
func (r ReleasedToSale) Seats() []int         { return r.ScheduleSeatIDs }
func (r ReleasedToSale) SeatChanges() Changes { return changes(r.ScheduleSeatIDs, StatusAvailable) }

// Expiring warns a user that a hold ends soon, WarnBefore its end.
type Expiring struct {
	ScheduleID string      `json:"scheduleId"`
	HoldID     string      `json:"holdId"`
	ExpiresAt  domain.Time `json:"expiresAt"`
}

func (Expiring) Type() (string, int)   { return "seats.expiring", 1 }
func (e Expiring) IDs(string) []string { return []string{e.HoldID} }

// Extended is a new end of a hold.
type Extended struct {
	ScheduleID string      `json:"scheduleId"`
	HoldID     string      `json:"holdId"`
	ExpiresAt  domain.Time `json:"expiresAt"`
	Now        domain.Time `json:"now"`
}

func (Extended) Type() (string, int)   { return "seats.extended", 1 }
func (e Extended) Result() any         { return extendResult{e.HoldID, e.ExpiresAt, e.Now} }
func (e Extended) IDs(string) []string { return []string{e.HoldID} }

// Swapped is a hold with other seats.
type Swapped struct {
	ScheduleID      string      `json:"scheduleId"`
	HoldID          string      `json:"holdId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"` // all seats of the hold now
	HeldSeats       []HeldSeat  `json:"heldSeats"`
	TotalPrice      int64       `json:"totalPrice"`
	ExpiresAt       domain.Time `json:"expiresAt"`
	Now             domain.Time `json:"now"`
	Released        []int       `json:"released"` // seats
	Taken           []int       `json:"taken"`
}

func (Swapped) Type() (string, int) { return "seats.swapped", 1 }
func (s Swapped) Result() any {
	return holdResult{s.HoldID, s.ScheduleSeatIDs, s.HeldSeats, s.TotalPrice, s.ExpiresAt, s.Now, nil}
}
func (s Swapped) IDs(string) []string { return []string{s.HoldID} }
func (s Swapped) Seats() []int        { return slices.Concat(s.ScheduleSeatIDs, s.Released) }
func (s Swapped) SeatChanges() Changes {
	return func(yield func(int, Status) bool) {
		for _, id := range s.Released {
			if !yield(id, StatusAvailable) {
				return
			}
		}
		changes(s.Taken, StatusHeld)(yield)
	}
}

// Cancelled is seats of a reservation given back: all by their owner, or without a request some reclaimed by an admin. A paid
// reservation ends as a whole, and the next event is about its order.
type Cancelled struct {
	ScheduleID      string `json:"scheduleId"`
	ReservationID   string `json:"reservationId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	Reason          string `json:"reason,omitempty"` // the admin's
	PaymentID       string `json:"imp_uid,omitempty"`
	RefundAmount    *int64 `json:"refundAmount,omitempty"` // of a paid reservation that its owner cancels
	RefundPercent   *int   `json:"refundPercent,omitempty"`

	ScheduleCancelled bool `json:"scheduleCancelled,omitempty"` // because the performance was called off
}

func (Cancelled) Type() (string, int)    { return "seats.cancelled", 1 }
func (c Cancelled) Result() any          { return c }
func (c Cancelled) ids() []string        { return []string{c.ReservationID} }
func (c Cancelled) IDs(string) []string  { return append(c.ids(), c.PaymentID) }
func (c Cancelled) Seats() []int         { return c.ScheduleSeatIDs }
func (c Cancelled) SeatChanges() Changes { return changes(c.ScheduleSeatIDs, StatusAvailable) }

// Reclaimed answers the admin's command. The events before it are for the users who lost seats.
type Reclaimed struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	ReleasedCount   int    `json:"releasedCount"`
	Reason          string `json:"reason,omitempty"`
}

func (Reclaimed) Type() (string, int) { return "seats.reclaimed", 1 }
func (r Reclaimed) Result() any       { return r }
func (Reclaimed) Command() string     { return "seats.reclaim" }
func (r Reclaimed) Seats() []int      { return r.ScheduleSeatIDs }

// Blocked is seats taken off sale: by an admin, or without a user because the performance was called off.
type Blocked struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	Reason          string `json:"reason,omitempty"`
}

func (Blocked) Type() (string, int)    { return "seats.blocked", 1 }
func (b Blocked) Result() any          { return b }
func (Blocked) Command() string        { return "seats.block" }
func (b Blocked) Seats() []int         { return b.ScheduleSeatIDs }
func (b Blocked) SeatChanges() Changes { return changes(b.ScheduleSeatIDs, StatusBlocked) }

// Unblocked is seats back on sale.
type Unblocked struct {
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	Reason          string `json:"reason,omitempty"`
}

func (Unblocked) Type() (string, int)    { return "seats.unblocked", 1 }
func (u Unblocked) Result() any          { return u }
func (Unblocked) Command() string        { return "seats.unblock" }
func (u Unblocked) Seats() []int         { return u.ScheduleSeatIDs }
func (u Unblocked) SeatChanges() Changes { return changes(u.ScheduleSeatIDs, StatusAvailable) }

// Closed is the end of the sale.
type Closed struct {
	ScheduleID string `json:"scheduleId"`
	Reason     string `json:"reason,omitempty"`
}

func (Closed) Type() (string, int) { return "seats.closed", 1 }
func (c Closed) Result() any       { return c }
func (Closed) Command() string     { return "seats.close" }

// Events of paid seats.

// PaymentPrepared is a later end of a hold, for the payment that its user prepared. It happens once per hold.
type PaymentPrepared struct {
	ScheduleID string      `json:"scheduleId"`
	HoldID     string      `json:"holdId"`
	ExpiresAt  domain.Time `json:"expiresAt"`
}

func (PaymentPrepared) Type() (string, int)   { return "seats.payment-prepared", 1 }
func (p PaymentPrepared) IDs(string) []string { return []string{p.HoldID} }

// Ordered is a hold whose order was placed: it does not expire before the order has a result. With Late the hold had expired, and
// its seats, which were still free, are held again.
type Ordered struct {
	ScheduleID      string `json:"scheduleId"`
	HoldID          string `json:"holdId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	PaymentID       string `json:"imp_uid"`
	Late            bool   `json:"late,omitempty"`
}

func (Ordered) Type() (string, int)   { return "seats.ordered", 1 }
func (o Ordered) ids() []string       { return []string{o.HoldID} }
func (o Ordered) IDs(string) []string { return append(o.ids(), o.PaymentID) }
func (o Ordered) Seats() []int        { return o.ScheduleSeatIDs }
func (o Ordered) SeatChanges() Changes {
	if !o.Late { // they are held already
		return changes(nil, StatusHeld)
	}
	return changes(o.ScheduleSeatIDs, StatusHeld)
}

// OrderFailed is a hold that goes on until ExpiresAt after its order failed. Where that has passed there is an Expired instead.
type OrderFailed struct {
	ScheduleID      string      `json:"scheduleId"`
	HoldID          string      `json:"holdId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	PaymentID       string      `json:"imp_uid"`
	ExpiresAt       domain.Time `json:"expiresAt"`
}

func (OrderFailed) Type() (string, int)   { return "seats.order-failed", 1 }
func (o OrderFailed) ids() []string       { return []string{o.HoldID} }
func (o OrderFailed) IDs(string) []string { return append(o.ids(), o.PaymentID) }
func (o OrderFailed) Seats() []int        { return o.ScheduleSeatIDs }

// ScheduleCancelled is a performance that was called off. What ends because of it follows: the holds, the reservations in the order
// of their commands, and then all seats are blocked.
type ScheduleCancelled struct {
	ScheduleID string `json:"scheduleId"`
	Reason     string `json:"reason,omitempty"`
}

func (ScheduleCancelled) Type() (string, int) { return "seats.schedule-cancelled", 1 }
func (s ScheduleCancelled) Result() any       { return s }
func (ScheduleCancelled) Command() string     { return "seats.cancel-schedule" }
