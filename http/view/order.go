// Orders: their notifications, and what reads show of them. What the payment provider said stays hidden, but for its consequence.

package view

import (
	"onsale/domain"
	"onsale/domain/orders"
)

// orderFields is the order after an event.
type orderFields struct {
	ImpUID string `json:"imp_uid"`
	*Purchase
	ReservationID string        `json:"reservationId,omitempty"`
	Late          bool          `json:"late,omitempty"`
	OrderStatus   orders.Status `json:"orderStatus"`
	Reason        string        `json:"reason,omitempty"`
	Note          string        `json:"note,omitempty"`         // written by an admin
	RefundAmount  *int64        `json:"refundAmount,omitempty"` // to be refunded; nil: not known yet
	Refunded      *int64        `json:"refunded,omitempty"`     // nil: the event is about no refund
	PayBy         domain.Time   `json:"payBy,omitzero"`
}

// refundedFields also have the coupon that the user gets back.
type refundedFields struct {
	orderFields
	CouponID string `json:"couponId,omitempty"`
}

// Purchase is what an order buys, and what it costs.
type Purchase struct {
	SalePostID      string `json:"salePostId,omitempty"`
	Count           int    `json:"count,omitempty"`
	HoldID          string `json:"holdId,omitempty"`
	ScheduleID      string `json:"scheduleId,omitempty"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"`
	CouponID        string `json:"couponId,omitempty"`
	ListAmount      int64  `json:"listAmount"`
	Discount        int64  `json:"discount"`
	Amount          int64  `json:"amount"`
}

func newPurchase(p orders.Purchase) *Purchase {
	return &Purchase{
		p.ProductID, p.Count, p.HoldID, p.ScheduleID, p.ScheduleSeatIDs, p.CouponID, p.ListPrice(), p.Discount, p.Amount,
	}
}

func orderNotification(body domain.Body) notification {
	switch b := body.(type) {
	case orders.Prepared:
		return notification{name: "command-complete", text: "command-complete", fields: struct {
			MerchantUID string `json:"merchant_uid"`
			*Purchase
			PayBy domain.Time `json:"payBy,omitzero"`
		}{b.MerchantUID, newPurchase(b.Purchase), b.PaymentDue}}
	case orders.Placed:
		fields := placedFields(b, b.Status())
		if b.Amount == 0 { // there is no payment to check
			n := fields.notification("order-accepted")
			n.text = "order-accepted/confirmed"
			return n
		}
		fields.PayBy = b.PaymentDue
		return fields.notification("order-accepted")
	case orders.Confirmed:
		n := orderFields{ImpUID: b.PaymentID, OrderStatus: b.Status}.notification("order-accepted")
		n.text = "order-accepted/confirmed"
		return n
	case orders.RejectedPaid:
		fields := placedFields(orders.Placed(b.Placement), orders.StatusRefunding)
		fields.Reason = b.Reason
		return fields.notification("order-refunding")
	case orders.Pending:
		return orderFields{ImpUID: b.PaymentID, OrderStatus: orders.StatusPendingPayment}.notification("order-pending")
	case orders.Succeeded:
		return orderFields{
			ImpUID: b.PaymentID, Purchase: newPurchase(b.Purchase), ReservationID: b.ReservationID, OrderStatus: orders.StatusPaid,
		}.notification("order-success")
	case orders.Failed:
		fields := orderFields{
			ImpUID: b.PaymentID, Purchase: newPurchase(b.Purchase), OrderStatus: orders.StatusFailed,
			Reason: b.Reason, Note: b.Note, Refunded: &b.Refunded,
		}
		n := fields.notification("order-failure")
		if b.Refunded > 0 {
			fields.OrderStatus = orders.StatusRefunded
			n.fields, n.text = fields, "order-failure/refunded"
		}
		return n
	case orders.RefundDue:
		return refundDue(b)
	case orders.Refunded:
		return refunded(b)
	}
	return notification{}
}

func refundDue(b orders.RefundDue) notification {
	fields := orderFields{ImpUID: b.PaymentID, OrderStatus: orders.StatusRefunding, Reason: b.Reason, Note: b.Note}
	if b.Payment != nil {
		fields.RefundAmount = new(max(0, b.Payment.Refundable()-b.Kept))
	}
	n := fields.notification("order-refunding")
	if b.Kept > 0 {
		n.text = "order-refunding/part"
	}
	return n
}

func refunded(b orders.Refunded) notification {
	fields := orderFields{ImpUID: b.PaymentID, OrderStatus: orders.StatusRefunded, Reason: b.Reason, Note: b.Note, Refunded: &b.Refunded}
	n := fields.notification("order-refunded")
	n.fields = refundedFields{fields, b.CouponID}
	switch {
	case b.Refunded == 0:
		n.text = "order-refunded/none"
	case b.Kept > 0:
		n.text = "order-refunded/part"
	}
	return n
}

func placedFields(p orders.Placed, status orders.Status) orderFields {
	return orderFields{ImpUID: p.PaymentID, Purchase: newPurchase(p.Purchase), Late: p.Late, OrderStatus: status}
}

func (n orderFields) notification(name string) notification {
	return notification{name: name, text: name, fields: n, params: messageParams{impUID: n.ImpUID, reason: n.Reason}}
}

// Order is an order as JSON.
type Order struct {
	ImpUID string `json:"imp_uid"`
	Purchase
	ReservationID string        `json:"reservationId,omitempty"`
	Refunded      *int64        `json:"refunded,omitempty"` // nil: nothing was, or not of this order
	OrderStatus   orders.Status `json:"orderStatus"`
	Reason        string        `json:"reason,omitempty"` // of a failure or a refund
	Note          string        `json:"note,omitempty"`   // written by an admin
	Late          bool          `json:"late,omitempty"`
}

// NewOrder shows o to its user or an admin. Only admins see that a paid order needs attention.
func NewOrder(o orders.Order, admin bool) Order {
	v := Order{
		ImpUID: o.PaymentID, Purchase: *newPurchase(o.Purchase), ReservationID: o.ReservationID, OrderStatus: o.Status, Reason: o.Reason,
		Note: o.Note, Late: o.Late,
	}
	if o.Reason == orders.ReasonDiscrepant && !admin {
		v.Reason = ""
	}
	if refunded := o.Refunded(); o.Status == orders.StatusRefunded || refunded > 0 && o.Status != orders.StatusPaid && !o.IsForeign() {
		v.Refunded = &refunded
	}
	return v
}
