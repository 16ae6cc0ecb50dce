// Codes: every way a rule can say no, each with the figures that explain it. They are events, never Go errors.

package domain

// A code names one rule for ever. Clients, documents and tests branch on it.
const (
	InvalidBody     = "invalid_body" // only from a writer that passed by the door; http refuses it before it is a command
	RequestIDReused = "request_id_reused"
	Internal        = "internal" // the rules broke on it: a dead command's outcome

	PromotionNotFound = "promotion_not_found"
	PromotionExists   = "promotion_exists"
	SoldOut           = "sold_out"
	AlreadyIssued     = "already_issued"
	UserLimitExceeded = "user_limit_exceeded"
	NotOpen           = "not_open"
	Closed            = "closed"
	Paused            = "paused"
	StockBelowIssued  = "stock_below_issued"
	CouponNotFound    = "coupon_not_found"
	AlreadyUsed       = "already_used"
	Revoked           = "revoked"

	ScheduleNotFound    = "schedule_not_found"
	ScheduleExists      = "schedule_exists"
	SeatNotFound        = "seat_not_found"
	SeatUnavailable     = "seat_unavailable"
	SeatLimitExceeded   = "seat_limit_exceeded"
	TooManySeats        = "too_many_seats"
	NoAdjacentSeats     = "no_adjacent_seats"
	OrphanSeat          = "orphan_seat"
	HoldNotFound        = "hold_not_found"
	HoldExpired         = "hold_expired"
	ExtendLimitExceeded = "extend_limit_exceeded"
	ReservationNotFound = "reservation_not_found"
	AlreadyCancelled    = "already_cancelled"
	NotOwner            = "not_owner"

	AlreadyWaiting  = "already_waiting"
	WaitingNotFound = "waiting_not_found"
	NoOffer         = "no_offer"
	OfferExpired    = "offer_expired"

	AlarmNotFound = "alarm_not_found"

	ProductNotFound    = "product_not_found"
	ProductExists      = "product_exists"
	ProductClosed      = "product_closed"
	InvalidCount       = "invalid_count"
	AmountMismatch     = "amount_mismatch"
	PaymentAlreadyUsed = "payment_already_used"
	OrderNotFound      = "order_not_found"
)

// Details are the figures beside a code; only those that belong to the code are set. In JSON they stand next to it.
type Details struct {
	CouponID        string `json:"couponId,omitempty"`        // already_issued: the one they have
	Number          int    `json:"number,omitempty"`          // and its number
	Limit           int    `json:"limit,omitempty"`           // …_limit_exceeded, too_many_seats
	SoldOutSequence uint64 `json:"soldOutSequence,omitempty"` // sold_out: the command that took the last unit
	Offered         int    `json:"offered,omitempty"`         // sold_out: units on offer to those who wait; they may come back
	Issued          int    `json:"issued,omitempty"`          // stock_below_issued: units that are given out or on offer
	OpensAt         Time   `json:"opensAt,omitzero"`          // not_open
	OpensInSeconds  int64  `json:"opensInSeconds,omitempty"`  // not_open: from the decision, rounded up
	ClosesAt        Time   `json:"closesAt,omitzero"`         // closed, when by the clock
	ExpiredAt       Time   `json:"expiredAt,omitzero"`        // hold_expired, offer_expired
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"` // which seats
	Section         string `json:"section,omitempty"`         // seat_not_found: there is no such section
	Available       *int   `json:"available,omitempty"`       // no_adjacent_seats: free seats where they were looked for; sold_out: units of a product
	WaitingID       string `json:"waitingId,omitempty"`       // already_waiting: where they wait
	Expected        int64  `json:"expected,omitempty"`        // amount_mismatch: what it costs
}

// FieldError is a body whose shape is wrong: which field, and what it should be.
type FieldError struct{ Field, Problem string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// Rejection is the outcome of a command that a rule refused.
type Rejection struct {
	Command string `json:"command"` // the type of the refused command
	Code    string `json:"code"`
	Details
}

// Type is "<kind>.rejected" with the kind of the refused command.
// IDs has the entity where that is a product or a payment, and the coupon or waiting entry that the details name.
func (r Rejection) IDs(entity string) []string {
	if kind := Kind(r.Command); kind != "orders" && kind != "products" {
		entity = ""
	}
	return []string{entity, r.CouponID, r.WaitingID}
}

func (r Rejection) Seats() []int { return r.ScheduleSeatIDs }

func (r Rejection) Type() (string, int) { return Kind(r.Command) + ".rejected", 1 }

// Reject is the event that refuses command c.
func Reject(c Command, code string, details Details) Event {
	name, _ := c.Body.Type()
	return NewOutcome(c, Rejection{Command: name, Code: code, Details: details})
}
