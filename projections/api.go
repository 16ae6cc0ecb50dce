package projections

import (
	"context"
	"encoding/json"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// Outcome is what was decided of one command.
type Outcome struct {
	Request     domain.RequestID
	Fingerprint domain.Fingerprint
	User        string
	Entity      string
	Sequence    uint64
	Event       uint64 // number of the event that says it
	At          domain.Time
	Type        string          // of that event, "coupons.issued" or "seats.rejected"
	Data        json.RawMessage // its body: the result's fields, or those of a domain.Rejection
}

// Told is a confirmed event on its way to the streams, with the number of the event before it for the same user and for
// the same entity (0: none).
type Told struct {
	domain.Event
	BeforeOfUser, BeforeOfEntity uint64
}

// Status is how the projector is.
type Status struct {
	Halted    string // why it stopped deciding; "" while it decides
	CaughtUp  bool   // everything that stood in COMMANDS at start is decided
	Decided   uint64 // sequence of the last decided command
	Confirmed uint64 // number of the last event that may be told
	Events    uint64 // number of the last event in the store
}

type Projector struct{}

func (p *Projector) Status() Status                                              { panic("soon") }
func (p *Projector) WaitConfirmed(ctx context.Context, number uint64) error      { panic("soon") }
func (p *Projector) Await(ctx context.Context, sequence uint64) (Outcome, error) { panic("soon") }
func (p *Projector) Request(id domain.RequestID) (Outcome, bool, error)          { panic("soon") }
func (p *Projector) OutcomeAt(sequence uint64) (Outcome, bool, error)            { panic("soon") }
func (p *Projector) NumberAt(t domain.Time) (uint64, error)                      { panic("soon") }
func (p *Projector) LastOfUser(user string) uint64                               { panic("soon") }
func (p *Projector) LastOfEntity(kind, entity string) uint64                     { panic("soon") }
func (p *Projector) Read(read func(*View) error) error                           { panic("soon") }

// View is one moment of the store. Do not keep it, and do no slow work in it.
type View struct{}

func (v *View) Position() uint64                                                    { panic("soon") }
func (v *View) Now() domain.Time                                                    { panic("soon") }
func (v *View) Promotion(id string) (coupons.Promotion, bool, error)                { panic("soon") }
func (v *View) Promotions(after string, limit int) ([]coupons.Promotion, error)     { panic("soon") }
func (v *View) Schedule(id string) (Schedule, bool, error)                          { panic("soon") }
func (v *View) Schedules(after string, limit int) ([]Schedule, error)               { panic("soon") }
func (v *View) Seats(schedule, user string, each func(SeatView) error) error        { panic("soon") }
func (v *View) Coupons(user string, before uint64, limit int) (Page[Coupon], error) { panic("soon") }
func (v *View) Holds(user, schedule string, before uint64, limit int) (Page[Hold], error) {
	panic("soon")
}
func (v *View) Reservations(user string, before uint64, limit int) (Page[Reservation], error) {
	panic("soon")
}

// Page is a part of a user's list, newest first. Next is where the following page begins; 0: this was the last.
type Page[T any] struct {
	Items []T
	Next  uint64
}

// Schedule is a schedule with its seats counted.
type Schedule struct {
	seats.Created
	Total, Available, Held, Reserved, Blocked int
}

// SeatView is one seat as one user may see it.
type SeatView struct {
	ScheduleSeatID int
	Section, Row   string
	Number         int
	Price          int64
	Status         seats.Status
	Mine           bool
	HeldUntil      domain.Time // only where Mine and held
}

type Coupon struct {
	CouponID, PromotionID string
	Number                int
	IssuedAt              domain.Time
}

type Hold struct {
	HoldID, ScheduleID string
	ScheduleSeatIDs    []int
	TotalPrice         int64
	ExpiresAt          domain.Time
}

type Reservation struct {
	ReservationID, ScheduleID string
	ScheduleSeatIDs           []int
	TotalPrice                int64
}
