// Notifications: what a user sees of an event. Every command has exactly one as its outcome; events that happen to a
// user without a command have one too.

package view

import (
	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// failureNames are the frames' names of rejections, by command; all others are command-failed.
var failureNames = map[string]string{
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

// notification is what a user sees of one event.
type notification struct {
	name     string // of the frame
	text     string // key of the message
	verbatim string // the message itself, written by an admin
	fields   any    // the body of the event, or rejectionFields
	params   messageParams
}

// rejectionFields are the code and details of a rejection, and the entity of the command: a client may have several
// commands in flight.
type rejectionFields struct {
	PromotionID string `json:"promotionId,omitempty"`
	ScheduleID  string `json:"scheduleId,omitempty"`
	SalePostID  string `json:"salePostId,omitempty"`
	HoldID      string `json:"holdId,omitempty"`
	ImpUID      string `json:"imp_uid,omitempty"`
	Code        string `json:"code"`
	domain.Details
}

// notificationFor has one for every event, so that no command stays without an outcome, not even a dead letter.
func notificationFor(e *domain.Event) notification {
	switch body := e.Body.(type) {
	case domain.Rejection:
		return rejected(e, body)
	case domain.DeadLetter:
		return notification{name: "command-failed", text: domain.Internal, fields: rejectionFields{Code: domain.Internal}}
	case alarms.Raised:
		return alarmNotification(e.Number, body)
	case alarms.MarkedRead, alarms.AllMarkedRead:
		return notify("alarm-read", body, messageParams{})
	}
	n := couponNotification(e.Body)
	if n.name == "" {
		n = seatNotification(e.Body)
	}
	if n.name == "" {
		n = orderNotification(e.Body)
	}
	if n.name == "" {
		n = notify("command-complete", e.Body, messageParams{})
	}
	return n
}

// notify is a notification whose message has the name of the frame.
func notify(name string, body any, p messageParams) notification {
	return notification{name: name, text: name, fields: body, params: p}
}

// withCount is a notification about p.count seats. None (all were released before) has a message of its own.
func withCount(name string, body any, p messageParams) notification {
	text := name
	if p.count == 0 {
		text = name + "/none"
	}
	return notification{name: name, text: text, fields: body, params: p}
}

// forKind is the key of the message for one kind of entity, where it has one of its own.
func forKind(key, kind string) string {
	if _, some := messages[key+"/"+kind]; some {
		return key + "/" + kind
	}
	return key
}

func rejected(e *domain.Event, body domain.Rejection) notification {
	name := failureNames[body.Command]
	if name == "" {
		name = "command-failed"
	}
	r := rejectionFields{Code: body.Code, Details: body.Details}
	switch domain.Kind(body.Command) {
	case "coupons":
		r.PromotionID = e.Entity
	case "seats":
		r.ScheduleID = e.Entity
	case "products":
		if r.HoldID = body.HoldID; r.HoldID == "" {
			r.SalePostID = e.Entity
		}
	case "orders":
		r.ImpUID = e.Entity
	}
	text, kind := body.Code, domain.Kind(body.Command)
	if body.ScheduleCancelled {
		text += "/schedule"
	}
	if kind == "orders" && orders.IsReserved(e.Entity) { // nothing was paid
		kind = "products"
	}
	return notification{name: name, text: forKind(text, kind), fields: r, params: messageParams{
		promotionID: r.PromotionID, scheduleID: r.ScheduleID, salePostID: r.SalePostID, couponID: body.CouponID, limit: body.Limit,
	}}
}

// Coupons.

func couponNotification(body domain.Body) notification {
	switch b := body.(type) {
	case coupons.Issued:
		return notify("issue-complete", b, messageParams{promotionID: b.PromotionID})
	case coupons.Accepted:
		return notify("issue-complete", b, messageParams{promotionID: b.PromotionID})
	case coupons.Used:
		return notify("coupon-used", b, messageParams{couponID: b.CouponID})
	case coupons.Revoked:
		return notify("coupon-revoked", b, messageParams{couponID: b.CouponID})
	case coupons.Joined:
		return notification{name: "waiting", text: "waiting", params: messageParams{position: b.Position}, fields: struct {
			Status string `json:"status"`
			coupons.Joined
		}{"WAITING", b}}
	case coupons.Left:
		return notification{name: "waiting", text: "waiting/left", fields: struct {
			Status string `json:"status"`
			coupons.Left
		}{"LEFT", b}}
	case coupons.Declined:
		return notification{name: "waiting", text: "waiting/declined", fields: struct {
			Status string `json:"status"`
			coupons.Declined
		}{"DECLINED", b}}
	case coupons.Offered:
		return notification{name: "offer", text: "offer/coupons", fields: b, params: messageParams{promotionID: b.PromotionID, count: b.Quantity}}
	case coupons.OfferExpired:
		return notify("offer-expired", b, messageParams{})
	}
	return notification{}
}

// Seats.

func seatNotification(body domain.Body) notification {
	switch b := body.(type) {
	case seats.Held:
		return withCount("hold-complete", b, messageParams{count: len(b.ScheduleSeatIDs)})
	case seats.Accepted:
		return withCount("hold-complete", b, messageParams{count: len(b.ScheduleSeatIDs)})
	case seats.Swapped:
		return withCount("hold-complete", b, messageParams{count: len(b.ScheduleSeatIDs)})
	case seats.Extended:
		return notify("hold-extended", b, messageParams{})
	case seats.Released:
		return withCount("hold-released", b, messageParams{count: b.ReleasedCount})
	case seats.Reserved:
		return withCount("reserve-complete", b, messageParams{count: len(b.ScheduleSeatIDs), reservationID: b.ReservationID})
	case seats.Cancelled:
		n := withCount("reservation-cancelled", b, messageParams{count: len(b.ScheduleSeatIDs), reservationID: b.ReservationID})
		if b.RefundAmount != nil && *b.RefundAmount > 0 {
			n.text = "reservation-cancelled/refund"
		}
		if b.ScheduleCancelled {
			n.text = "reservation-cancelled/schedule"
		}
		return n
	case seats.Expired:
		n := withCount("hold-expired", b, messageParams{count: len(b.ScheduleSeatIDs)})
		if b.ScheduleCancelled {
			n.text = "hold-expired/schedule"
		}
		return n
	case seats.Joined:
		return notification{name: "waiting", text: "waiting", params: messageParams{position: b.Position}, fields: struct {
			Status string `json:"status"`
			seats.Joined
		}{"WAITING", b}}
	case seats.Left:
		return notification{name: "waiting", text: "waiting/left", fields: struct {
			Status string `json:"status"`
			seats.Left
		}{"LEFT", b}}
	case seats.Declined:
		return notification{name: "waiting", text: "waiting/declined", fields: struct {
			Status string `json:"status"`
			seats.Declined
		}{"DECLINED", b}}
	case seats.Offered:
		return withCount("offer", b, messageParams{count: len(b.ScheduleSeatIDs)})
	case seats.OfferExpired:
		n := notify("offer-expired", b, messageParams{})
		if b.ScheduleCancelled {
			n.text = "offer-expired/schedule"
		}
		return n
	}
	return notification{}
}

// Alarms: a message of the table, or an admin's own text.

type alarmView struct {
	AlarmID string `json:"alarmId"`
	Read    bool   `json:"read"`
	alarms.Raised
}

func alarmNotification(number uint64, a alarms.Raised) notification {
	text := "alarm/" + a.Kind
	if _, known := messages[text]; !known {
		text = "alarm/" + alarms.KindAdmin
	}
	if a.Kind == alarms.KindOrderRefunded && a.Amount == 0 {
		text = "alarm/order-refunded/none"
	}
	if a.ScheduleCancelled {
		text += "/schedule"
	}
	verbatim := a.Text
	a.Text = "" // it is the message
	return notification{name: "alarm", text: text, verbatim: verbatim, fields: alarmView{alarms.ID(number), false, a}, params: messageParams{
		promotionID: a.PromotionID, scheduleID: a.ScheduleID, couponID: a.CouponID, reservationID: a.ReservationID,
		impUID: a.PaymentID, count: a.Count,
	}}
}

// AlarmMessage is the message of the alarm that event number raised.
func AlarmMessage(number uint64, a alarms.Raised, english bool) string {
	n := alarmNotification(number, a)
	if n.verbatim != "" {
		return n.verbatim
	}
	return string(appendMessage(nil, n, english))
}
