// Orders as clients see them, in reads and in the streams of orders.

package view

import "onsale/domain/orders"

// Order is an order as JSON.
type Order struct {
	ImpUID      string        `json:"imp_uid"`
	SalePostID  string        `json:"salePostId"`
	Count       int           `json:"count"`
	Amount      int64         `json:"amount"`
	OrderStatus orders.Status `json:"orderStatus"`
	Reason      string        `json:"reason,omitempty"` // of a failure or a refund
}

// NewOrder shows o to its user or an admin. Only admins see that a paid order needs attention.
func NewOrder(o orders.Order, admin bool) Order {
	v := Order{o.PaymentID, o.ProductID, o.Count, o.Amount, o.Status, o.Reason}
	if o.Reason == orders.ReasonDiscrepant && !admin {
		v.Reason = ""
	}
	return v
}
