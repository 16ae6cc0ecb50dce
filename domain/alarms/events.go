// Commands and events of alarms. The JSON of these structs is the format of the log: a changed meaning is a new version beside the
// old one.

package alarms

import "onsale/domain"

// Limits of an admin's alarm, in bytes.
const (
	MaxMessage = 1_000
	MaxKind    = 40
)

// Kinds of alarms. Admins may give others.
const (
	KindAdmin                = "shop"
	KindHoldExpiring         = "hold-expiring"
	KindOffer                = "offer"
	KindCouponRevoked        = "coupon-revoked"
	KindReservationCancelled = "reservation-cancelled"
	KindOrderRefunded        = "order-refunded"
)

// Raise sends an admin's message to a user, who is the command's entity.
type Raise struct {
	Kind    string `json:"kind"`
	Message string `json:"message"` // as it is shown, 1 to 1,000 bytes
}

func (Raise) Type() (string, int) { return "alarms.raise", 1 }

// Check returns a *domain.FieldError for the first invalid field.
func (r Raise) Check() error {
	switch {
	case len(r.Kind) > MaxKind || domain.CheckID(r.Kind) != nil:
		return domain.InvalidField("kind", "1 to %d of A-Z a-z 0-9 _ -", MaxKind)
	case r.Message == "":
		return domain.InvalidField("message", "1 to %d bytes", MaxMessage)
	}
	return domain.CheckText("message", r.Message, MaxMessage)
}

// MarkRead marks one alarm of the user as read. The user is the entity.
type MarkRead struct {
	AlarmID string `json:"alarmId"`
}

func (MarkRead) Type() (string, int)   { return "alarms.mark-read", 1 }
func (m MarkRead) IDs(string) []string { return []string{m.AlarmID} }

// MarkAllRead marks all alarms of the user as read.
type MarkAllRead struct{}

func (MarkAllRead) Type() (string, int) { return "alarms.mark-all-read", 1 }

// Raised is an alarm; its id is "a<event number>". Only the fields that belong to the kind are set.
type Raised struct {
	Kind          string      `json:"kind"`
	Text          string      `json:"text,omitempty"` // an admin's message; other kinds are shown in the reader's language
	PromotionID   string      `json:"promotionId,omitempty"`
	ScheduleID    string      `json:"scheduleId,omitempty"`
	CouponID      string      `json:"couponId,omitempty"`
	HoldID        string      `json:"holdId,omitempty"`
	ReservationID string      `json:"reservationId,omitempty"`
	WaitingID     string      `json:"waitingId,omitempty"`
	PaymentID     string      `json:"imp_uid,omitempty"`
	Amount        int64       `json:"amount,omitempty"` // refunded
	Count         int         `json:"count,omitempty"`  // units or seats
	ExpiresAt     domain.Time `json:"expiresAt,omitzero"`
	Reason        string      `json:"reason,omitempty"`

	ScheduleCancelled bool `json:"scheduleCancelled,omitempty"` // reservation-cancelled: because the performance was called off
}

func (Raised) Type() (string, int) { return "alarms.raised", 1 }
func (r Raised) IDs(string) []string {
	return []string{r.CouponID, r.HoldID, r.ReservationID, r.WaitingID, r.PaymentID}
}

// RaiseDone answers the admin's command. The Raised before it is for the user.
type RaiseDone struct {
	UserID  string `json:"userId"`
	AlarmID string `json:"alarmId"`
}

func (RaiseDone) Type() (string, int)   { return "alarms.raise-done", 1 }
func (r RaiseDone) Result() any         { return r }
func (RaiseDone) Created()              {}
func (RaiseDone) Command() string       { return "alarms.raise" }
func (r RaiseDone) IDs(string) []string { return []string{r.AlarmID} }

// MarkedRead is an alarm marked as read.
type MarkedRead struct {
	AlarmID string `json:"alarmId"`
}

func (MarkedRead) Type() (string, int)   { return "alarms.marked-read", 1 }
func (m MarkedRead) Result() any         { return m }
func (m MarkedRead) IDs(string) []string { return []string{m.AlarmID} }

// AllMarkedRead is all alarms up to here marked as read; Count of them were unread.
type AllMarkedRead struct {
	Count int `json:"count"`
}

func (AllMarkedRead) Type() (string, int) { return "alarms.all-marked-read", 1 }
func (a AllMarkedRead) Result() any       { return a }
