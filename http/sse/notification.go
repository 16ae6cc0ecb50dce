// What a user is told: every command has exactly one answer, and what happens to them without asking is told too.

package sse

import (
	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// failureNames are the names of refusals by the refused command; all others are command-failed.
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

// A notice is what a user is told of one event.
type notification struct {
	name     string // of the frame
	text     string // which message
	verbatim string // instead: somebody's own words
	fields   any    // the result's fields, or a code with its facts
	params   messageParams
}

// rejectionFields is the fields of a notice that says no. Code and facts are those of the rejection; what was asked for is said
// too, as a client may have asked for several things at once.
type rejectionFields struct {
	PromotionID string `json:"promotionId,omitempty"`
	ScheduleID  string `json:"scheduleId,omitempty"`
	SalePostID  string `json:"salePostId,omitempty"`
	ImpUID      string `json:"imp_uid,omitempty"`
	Code        string `json:"code"`
	domain.Details
}

// notificationFor has one for every event: no command of a user stays without an answer, not even a dead one.
func notificationFor(e *domain.Event) notification {
	switch body := e.Body.(type) {
	case domain.Rejection:
		return rejected(e, body)
	case domain.DeadLetter:
		return notification{name: "command-failed", text: domain.Internal, fields: rejectionFields{Code: domain.Internal}}
	case alarms.Raised:
		return alarmNotification(e.Number, body)
	case alarms.MarkedRead, alarms.AllMarkedRead:
		return notification{name: "alarm-read", text: "alarm-read", fields: body}
	}
	name, _ := e.Body.Type()
	n, known := notification{}, false
	switch domain.Kind(name) {
	case "coupons":
		n, known = couponNotification(e.Body)
	case "seats":
		n, known = seatNotification(e.Body)
	case "orders":
		n, known = orderNotification(e.Body)
	}
	if !known {
		return notification{name: "command-complete", text: "command-complete", fields: e.Body}
	}
	return n
}

// withCount is a notice about so many seats. That there were none (all given back already) is another message.
func withCount(name string, body any, p messageParams) notification {
	text := name
	if p.count == 0 {
		text = name + "/none"
	}
	return notification{name: name, text: text, fields: body, params: p}
}

// forKind is the message of key for one kind, where it has one of its own.
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
		r.SalePostID = e.Entity
	case "orders":
		r.ImpUID = e.Entity
	}
	return notification{name: name, text: forKind(body.Code, domain.Kind(body.Command)), fields: r, params: messageParams{
		promotionID: r.PromotionID, scheduleID: r.ScheduleID, salePostID: r.SalePostID, couponID: body.CouponID, limit: body.Limit,
	}}
}

// What a user is told about coupons, and about waiting for them.

// What became of somebody's waiting, as the frame "waiting" says it.
const (
	statusWaiting  = "WAITING"
	statusLeft     = "LEFT"
	statusDeclined = "DECLINED"
)

func couponNotification(body domain.Body) (notification, bool) {
	switch b := body.(type) {
	case coupons.Issued:
		return notification{name: "issue-complete", text: "issue-complete", fields: b, params: messageParams{promotionID: b.PromotionID}}, true
	case coupons.Accepted:
		return notification{name: "issue-complete", text: "issue-complete", fields: b, params: messageParams{promotionID: b.PromotionID}}, true
	case coupons.Used:
		return notification{name: "coupon-used", text: "coupon-used", fields: b, params: messageParams{couponID: b.CouponID}}, true
	case coupons.Revoked:
		return notification{name: "coupon-revoked", text: "coupon-revoked", fields: b, params: messageParams{couponID: b.CouponID}}, true
	case coupons.Joined:
		return notification{name: "waiting", text: "waiting", params: messageParams{position: b.Position}, fields: struct {
			Status string `json:"status"`
			coupons.Joined
		}{statusWaiting, b}}, true
	case coupons.Left:
		return notification{name: "waiting", text: "waiting/left", fields: struct {
			Status string `json:"status"`
			coupons.Left
		}{statusLeft, b}}, true
	case coupons.Declined:
		return notification{name: "waiting", text: "waiting/declined", fields: struct {
			Status string `json:"status"`
			coupons.Declined
		}{statusDeclined, b}}, true
	case coupons.Offered:
		return notification{name: "offer", text: "offer/coupons", fields: b, params: messageParams{promotionID: b.PromotionID, count: b.Quantity}}, true
	case coupons.OfferExpired:
		return notification{name: "offer-expired", text: "offer-expired", fields: b}, true
	}
	return notification{}, false
}

// What a user is told about seats, and about waiting for them.

func seatNotification(body domain.Body) (notification, bool) {
	switch b := body.(type) {
	case seats.Held:
		return withCount("hold-complete", b, messageParams{count: len(b.ScheduleSeatIDs)}), true
	case seats.Accepted:
		return withCount("hold-complete", b, messageParams{count: len(b.ScheduleSeatIDs)}), true
	case seats.Swapped:
		return withCount("hold-complete", b, messageParams{count: len(b.ScheduleSeatIDs)}), true
	case seats.Extended:
		return notification{name: "hold-extended", text: "hold-extended", fields: b}, true
	case seats.Released:
		return withCount("hold-released", b, messageParams{count: b.ReleasedCount}), true
	case seats.Reserved:
		return withCount("reserve-complete", b, messageParams{count: len(b.ScheduleSeatIDs), reservationID: b.ReservationID}), true
	case seats.Cancelled:
		return withCount("reservation-cancelled", b, messageParams{count: len(b.ScheduleSeatIDs), reservationID: b.ReservationID}), true
	case seats.Expired:
		return withCount("hold-expired", b, messageParams{count: len(b.ScheduleSeatIDs)}), true
	case seats.Joined:
		return notification{name: "waiting", text: "waiting", params: messageParams{position: b.Position}, fields: struct {
			Status string `json:"status"`
			seats.Joined
		}{statusWaiting, b}}, true
	case seats.Left:
		return notification{name: "waiting", text: "waiting/left", fields: struct {
			Status string `json:"status"`
			seats.Left
		}{statusLeft, b}}, true
	case seats.Declined:
		return notification{name: "waiting", text: "waiting/declined", fields: struct {
			Status string `json:"status"`
			seats.Declined
		}{statusDeclined, b}}, true
	case seats.Offered:
		return withCount("offer", b, messageParams{count: len(b.ScheduleSeatIDs)}), true
	case seats.OfferExpired:
		return notification{name: "offer-expired", text: "offer-expired", fields: b}, true
	}
	return notification{}, false
}

// What a user is told about orders. Of what the provider said of their payment only what it comes to.

// orderFields is an order as what has just happened left it.
type orderFields struct {
	ImpUID      string        `json:"imp_uid"`
	SalePostID  string        `json:"salePostId,omitempty"`
	Count       int           `json:"count,omitempty"`
	Amount      int64         `json:"amount,omitempty"`
	OrderStatus orders.Status `json:"orderStatus"`
	Reason      string        `json:"reason,omitempty"`
	Note        string        `json:"note,omitempty"`     // the shop's words
	Refunded    *int64        `json:"refunded,omitempty"` // where money may have gone back
	PayBy       domain.Time   `json:"payBy,omitzero"`
}

func orderNotification(body domain.Body) (notification, bool) {
	switch b := body.(type) {
	case orders.Placed:
		fields := placedFields(b, orders.StatusVerifying)
		fields.PayBy = b.PaymentDue
		return fields.notification("order-accepted"), true
	case orders.RejectedPaid:
		fields := placedFields(orders.Placed(b.Placement), orders.StatusRefunding)
		fields.Reason = b.Reason
		return fields.notification("order-refunding"), true
	case orders.Pending:
		return orderFields{ImpUID: b.PaymentID, OrderStatus: orders.StatusPendingPayment}.notification("order-pending"), true
	case orders.Succeeded:
		return orderFields{
			ImpUID: b.PaymentID, SalePostID: b.ProductID, Count: b.Count, Amount: b.Amount, OrderStatus: orders.StatusPaid,
		}.notification("order-success"), true
	case orders.Failed:
		fields := orderFields{
			ImpUID: b.PaymentID, SalePostID: b.ProductID, Count: b.Count, Amount: b.Amount, OrderStatus: orders.StatusFailed,
			Reason: b.Reason, Note: b.Note, Refunded: &b.Refunded,
		}
		n := fields.notification("order-failure")
		if b.Refunded > 0 {
			fields.OrderStatus = orders.StatusRefunded
			n.fields, n.text = fields, "order-failure/refunded"
		}
		return n, true
	case orders.RefundDue:
		return orderFields{
			ImpUID: b.PaymentID, OrderStatus: orders.StatusRefunding, Reason: b.Reason, Note: b.Note,
		}.notification("order-refunding"), true
	case orders.Refunded:
		return orderFields{
			ImpUID: b.PaymentID, OrderStatus: orders.StatusRefunded, Reason: b.Reason, Note: b.Note, Refunded: &b.Refunded,
		}.notification("order-refunded"), true
	}
	return notification{}, false
}

func placedFields(p orders.Placed, status orders.Status) orderFields {
	return orderFields{ImpUID: p.PaymentID, SalePostID: p.ProductID, Count: p.Count, Amount: p.Amount, OrderStatus: status}
}

// notification tells the news by that name.
func (n orderFields) notification(name string) notification {
	return notification{name: name, text: name, fields: n, params: messageParams{impUID: n.ImpUID, reason: n.Reason}}
}

// What a user is told by an alarm: in their language, or in the shop's own words.

// alarmView is an alarm as its user sees it.
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
	verbatim := a.Text
	a.Text = "" // it is the message
	return notification{name: "alarm", text: text, verbatim: verbatim, fields: alarmView{alarms.ID(number), false, a}, params: messageParams{
		promotionID: a.PromotionID, scheduleID: a.ScheduleID, couponID: a.CouponID, reservationID: a.ReservationID,
		impUID: a.PaymentID, count: a.Count,
	}}
}

// AlarmMessage is what the alarm that event number raised says to its user.
func AlarmMessage(number uint64, a alarms.Raised, english bool) string {
	n, to := alarmNotification(number, a), ownerKorean
	if english {
		to = ownerEnglish
	}
	if n.verbatim != "" {
		return n.verbatim
	}
	return string(appendMessage(nil, n, to))
}
