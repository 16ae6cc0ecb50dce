// What a user is told: every command has exactly one answer, and what happens to them without asking is told too.
package stream

import (
	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// failures are the names of refusals by the refused command; all others are command-failed.
var failures = map[string]string{
	"coupons.issue": "issue-failed",
	"seats.hold":    "hold-failed",
	"seats.release": "release-failed",
	"seats.reserve": "reserve-failed",
}

// A notice is what a user is told of one event.
type notice struct {
	name   string // of the frame
	text   string // which message
	fields any    // the result's fields, or a code with its facts
	words  words
}

// refusal is the fields of a notice that says no. Code and facts are those of the rejection; what was asked for is said
// too, as a client may have asked for several things at once.
type refusal struct {
	PromotionID string `json:"promotionId,omitempty"`
	ScheduleID  string `json:"scheduleId,omitempty"`
	Code        string `json:"code"`
	domain.Facts
}

// noticeOf has one for every event: no command of a user stays without an answer, not even a dead one.
func noticeOf(e *domain.Event) notice {
	switch body := e.Body.(type) {
	case coupons.Issued:
		return notice{"issue-complete", "issue-complete", e.Body, words{promotionID: body.PromotionID}}
	case seats.Held:
		return counted("hold-complete", e.Body, words{count: len(body.ScheduleSeatIDs)})
	case seats.Released:
		return counted("hold-released", e.Body, words{count: body.ReleasedCount})
	case seats.Reserved:
		return counted("reserve-complete", e.Body, words{count: len(body.ScheduleSeatIDs), reservationID: body.ReservationID})
	case seats.Expired:
		return counted("hold-expired", e.Body, words{count: len(body.ScheduleSeatIDs)})
	case domain.Rejection:
		return refused(e, body)
	case domain.Dead:
		return notice{"command-failed", domain.Internal, refusal{Code: domain.Internal}, words{}}
	}
	return notice{"command-complete", "command-complete", e.Body, words{}}
}

// counted is a notice about so many seats. That there were none (all given back already) is another message.
func counted(name string, body any, w words) notice {
	text := name
	if w.count == 0 {
		text = name + "/none"
	}
	return notice{name, text, body, w}
}

func refused(e *domain.Event, body domain.Rejection) notice {
	name := failures[body.Command]
	if name == "" {
		name = "command-failed"
	}
	r := refusal{Code: body.Code, Facts: body.Facts}
	switch domain.Kind(body.Command) {
	case "coupons":
		r.PromotionID = e.Entity
	case "seats":
		r.ScheduleID = e.Entity
	}
	return notice{name, body.Code, r, words{
		promotionID: r.PromotionID, scheduleID: r.ScheduleID, couponID: body.CouponID, limit: body.Limit,
	}}
}
