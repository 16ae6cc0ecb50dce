// Rejections: the codes that the rules reject with, and the facts that explain them. None of them is a Go error: being
// rejected is an ordinary outcome. What each rule checks first is in DESIGN.md.

package domain

import "fmt"

const (
	InvalidBody     = "invalid_body" // a body that the API refuses before it appends
	RequestIDReused = "request_id_reused"
	Internal        = "internal" // the rule panicked; the outcome is a DeadLetter

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
	CouponInOrder     = "coupon_in_order"
	NotApplicable     = "coupon_not_applicable"

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
	HoldInOrder         = "hold_in_order"
	PaymentRequired     = "payment_required"
	PaidSeats           = "paid_seats"
	CancelClosed        = "cancel_closed"

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
	TooManyOpenOrders  = "too_many_open_orders"
	PaymentNotRequired = "payment_not_required"
)

// Details are the facts that explain a rejection. Only those that belong to its code are set.
type Details struct {
	CouponID        string `json:"couponId,omitempty"`        // already_issued: the coupon that the user has; coupon_…: the one that an order names
	Number          int    `json:"number,omitempty"`          // and its number
	Limit           int    `json:"limit,omitempty"`           // …_limit_exceeded, too_many_seats, too_many_open_orders
	SoldOutSequence uint64 `json:"soldOutSequence,omitempty"` // sold_out: the command that took the last unit
	Offered         int    `json:"offered,omitempty"`         // sold_out: units on offer to the waiting list, which may come back
	Issued          int    `json:"issued,omitempty"`          // stock_below_issued: units that are issued or on offer
	OpensAt         Time   `json:"opensAt,omitzero"`          // not_open
	OpensInSeconds  int64  `json:"opensInSeconds,omitempty"`  // not_open: from the decision, rounded up
	ClosesAt        Time   `json:"closesAt,omitzero"`         // closed, when by time
	ExpiredAt       Time   `json:"expiredAt,omitzero"`        // hold_expired, offer_expired
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"` // seats that do not exist, are not free, or would be orphans
	Section         string `json:"section,omitempty"`         // seat_not_found: there is no such section
	Available       *int   `json:"available,omitempty"`       // no_adjacent_seats: free seats in the section; sold_out: units of a product
	WaitingID       string `json:"waitingId,omitempty"`       // already_waiting: the user's entry
	Expected        int64  `json:"expected,omitempty"`        // amount_mismatch: the right amount
	MinAmount       int64  `json:"minAmount,omitempty"`       // coupon_not_applicable: the order is below it

	PaymentIDs        []string `json:"imp_uids,omitempty"`          // paid_seats: the orders; hold_in_order: the order
	ScheduleCancelled bool     `json:"scheduleCancelled,omitempty"` // closed, hold_expired: because the performance was called off
}

// Rejection is the event that a command was rejected. It changes nothing but the last event number and the log time.
type Rejection struct {
	Command string `json:"command"` // type name of the rejected command
	Code    string `json:"code"`
	Details
	HoldID string `json:"holdId,omitempty"` // the entity, where a command whose kind has others is about a hold
}

// holdCommand is the body of a command whose entity may be a hold, although that of its kind is something else.
type holdCommand interface{ Hold() string }

// Type has the kind of the command, so that the event has the subject of its entity.
func (r Rejection) Type() (string, int) { return Kind(r.Command) + ".rejected", 1 }

// IDs has the entity where that is a product or a payment, and the coupon or waiting entry that the details name.
func (r Rejection) IDs(entity string) []string {
	if kind := Kind(r.Command); kind != "orders" && kind != "products" {
		entity = ""
	}
	return []string{entity, r.CouponID, r.WaitingID}
}

func (r Rejection) Seats() []int { return r.ScheduleSeatIDs }

// Reject returns the event that rejects command c, alone.
func Reject(c Command, code string, details Details) []Event {
	name, _ := c.Body.Type()
	r := Rejection{Command: name, Code: code, Details: details}
	if body, ok := c.Body.(holdCommand); ok {
		r.HoldID = body.Hold()
	}
	return NewOutcome(c, r)
}

// FieldError says which field of a command's body is invalid, by the field's path in JSON. The API refuses such bodies.
type FieldError struct{ Field, Problem string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// InvalidField returns a *FieldError.
func InvalidField(field, problem string, args ...any) error {
	return &FieldError{Field: field, Problem: fmt.Sprintf(problem, args...)}
}

// CheckIDField returns a *FieldError when the id in field is not an id.
func CheckIDField(field, id string) error {
	if err := CheckID(id); err != nil {
		return InvalidField(field, "%s", err)
	}
	return nil
}
