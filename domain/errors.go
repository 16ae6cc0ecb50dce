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

	ScheduleNotFound  = "schedule_not_found"
	ScheduleExists    = "schedule_exists"
	SeatNotFound      = "seat_not_found"
	SeatUnavailable   = "seat_unavailable"
	SeatLimitExceeded = "seat_limit_exceeded"
	TooManySeats      = "too_many_seats"
	HoldNotFound      = "hold_not_found"
	HoldExpired       = "hold_expired"
	NotOwner          = "not_owner"
)

// Facts are the figures beside a code; only those that belong to the code are set. In JSON they stand next to it.
type Facts struct {
	CouponID        string `json:"couponId,omitempty"`        // already_issued: the one they have
	Limit           int    `json:"limit,omitempty"`           // …_limit_exceeded, too_many_seats
	SoldOutSequence uint64 `json:"soldOutSequence,omitempty"` // sold_out: the command that took the last unit
	OpensAt         Time   `json:"opensAt,omitzero"`          // not_open
	ClosesAt        Time   `json:"closesAt,omitzero"`         // closed, when by the clock
	ExpiredAt       Time   `json:"expiredAt,omitzero"`        // hold_expired
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"` // which seats
}

// FieldError is a body whose shape is wrong: which field, and what it should be.
type FieldError struct{ Field, Problem string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// Rejection is the outcome of a command that a rule refused.
type Rejection struct {
	Command string `json:"command"` // the type of the refused command
	Code    string `json:"code"`
	Facts
}

// Type is "<kind>.rejected" with the kind of the refused command.
func (r Rejection) Type() (string, int) { return Kind(r.Command) + ".rejected", 1 }

// Reject is the event that refuses command c.
func Reject(c Command, code string, facts Facts) Event {
	name, _ := c.Body.Type()
	return Outcome(c, Rejection{Command: name, Code: code, Facts: facts})
}
