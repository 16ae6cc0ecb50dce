// What a user is told: every command has exactly one answer, and what happens to them without asking is told too.
package stream

import (
	"onsale/domain"
	"onsale/domain/alarms"
)

// failures are the names of refusals by the refused command; all others are command-failed.
var failures = map[string]string{
	"coupons.issue":   "issue-failed",
	"coupons.use":     "use-failed",
	"coupons.join":    "waiting-failed",
	"coupons.leave":   "waiting-failed",
	"coupons.accept":  "waiting-failed",
	"coupons.decline": "waiting-failed",
	"seats.hold":      "hold-failed",
	"seats.swap":      "hold-failed",
	"seats.extend":    "extend-failed",
	"seats.release":   "release-failed",
	"seats.reserve":   "reserve-failed",
	"seats.cancel":    "cancel-failed",
	"seats.join":      "waiting-failed",
	"seats.leave":     "waiting-failed",
	"seats.accept":    "waiting-failed",
	"seats.decline":   "waiting-failed",
	"orders.place":    "order-refused",
}

// A notice is what a user is told of one event.
type notice struct {
	name   string // of the frame
	text   string // which message
	said   string // instead: somebody's own words
	fields any    // the result's fields, or a code with its facts
	words  words
}

// refusal is the fields of a notice that says no. Code and facts are those of the rejection; what was asked for is said
// too, as a client may have asked for several things at once.
type refusal struct {
	PromotionID string `json:"promotionId,omitempty"`
	ScheduleID  string `json:"scheduleId,omitempty"`
	SalePostID  string `json:"salePostId,omitempty"`
	ImpUID      string `json:"imp_uid,omitempty"`
	Code        string `json:"code"`
	domain.Facts
}

// noticeOf has one for every event: no command of a user stays without an answer, not even a dead one.
func noticeOf(e *domain.Event) notice {
	switch body := e.Body.(type) {
	case domain.Rejection:
		return refused(e, body)
	case domain.Dead:
		return notice{name: "command-failed", text: domain.Internal, fields: refusal{Code: domain.Internal}}
	case alarms.Raised:
		return alarmNotice(e.Number, body)
	case alarms.Marked, alarms.AllMarked:
		return notice{name: "alarm-read", text: "alarm-read", fields: body}
	}
	name, _ := e.Body.Type()
	n, known := notice{}, false
	switch domain.Kind(name) {
	case "coupons":
		n, known = couponNotice(e.Body)
	case "seats":
		n, known = seatNotice(e.Body)
	case "orders":
		n, known = orderNotice(e.Body)
	}
	if !known {
		return notice{name: "command-complete", text: "command-complete", fields: e.Body}
	}
	return n
}

// counted is a notice about so many seats. That there were none (all given back already) is another message.
func counted(name string, body any, w words) notice {
	text := name
	if w.count == 0 {
		text = name + "/none"
	}
	return notice{name: name, text: text, fields: body, words: w}
}

// variant is the message of key for one kind, where it has one of its own.
func variant(key, kind string) string {
	if _, some := messages[key+"/"+kind]; some {
		return key + "/" + kind
	}
	return key
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
	case "products":
		r.SalePostID = e.Entity
	case "orders":
		r.ImpUID = e.Entity
	}
	return notice{name: name, text: variant(body.Code, domain.Kind(body.Command)), fields: r, words: words{
		promotionID: r.PromotionID, scheduleID: r.ScheduleID, salePostID: r.SalePostID, couponID: body.CouponID, limit: body.Limit,
	}}
}
