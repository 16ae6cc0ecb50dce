// Events of products and orders. The JSON of these structs is the format of the log, and much of it is what clients get as results:
// a changed meaning is a new version beside the old one.

package orders

import "onsale/domain"

// Results that show less than their event: what the command named, its sender knows.
type (
	prepareResult struct {
		MerchantUID string      `json:"merchant_uid"`
		HoldID      string      `json:"holdId,omitempty"`
		Amount      int64       `json:"amount"`
		ListAmount  int64       `json:"listAmount"`
		Discount    int64       `json:"discount"`
		PaymentDue  domain.Time `json:"payBy,omitzero"`
	}
	placeResult struct {
		PaymentID string `json:"imp_uid"`
		Status    Status `json:"orderStatus"`
	}
)

// Created has everything that the rules of a product need.
type Created struct {
	ProductID    string `json:"salePostId"`
	Name         string `json:"name"`
	Price        int64  `json:"price"`
	Stock        int    `json:"stock"`
	PerUserLimit int    `json:"perUserLimit,omitempty"`
}

func (Created) Type() (string, int)   { return "products.created", 1 }
func (c Created) Result() any         { return c }
func (Created) Created()              {}
func (Created) Command() string       { return "products.create" }
func (c Created) IDs(string) []string { return []string{c.ProductID} }

// StockChanged is a new number of units.
type StockChanged struct {
	ProductID string `json:"salePostId"`
	Delta     int    `json:"delta"`
	Stock     int    `json:"stock"` // the new number
	Reason    string `json:"reason,omitempty"`
}

func (StockChanged) Type() (string, int)   { return "products.stock-changed", 1 }
func (s StockChanged) Result() any         { return s }
func (StockChanged) Command() string       { return "products.change-stock" }
func (s StockChanged) IDs(string) []string { return []string{s.ProductID} }

// Closed is the end of a product's sale.
type Closed struct {
	ProductID string `json:"salePostId"`
	Reason    string `json:"reason,omitempty"`
}

func (Closed) Type() (string, int)   { return "products.closed", 1 }
func (c Closed) Result() any         { return c }
func (Closed) Command() string       { return "products.close" }
func (c Closed) IDs(string) []string { return []string{c.ProductID} }

// Purchase is what an order buys, units of a product or the seats of a hold, and what it costs.
type Purchase struct {
	ProductID       string `json:"salePostId,omitempty"`
	Count           int    `json:"count,omitempty"`
	HoldID          string `json:"holdId,omitempty"`
	ScheduleID      string `json:"scheduleId,omitempty"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds,omitempty"`
	CouponID        string `json:"couponId,omitempty"`
	Discount        int64  `json:"discount,omitempty"`
	Amount          int64  `json:"amount"` // to be paid: price × count or the price of the seats, less the discount
}

// ListPrice returns what the order costs without a coupon.
func (p Purchase) ListPrice() int64 { return p.Amount + p.Discount }

func (p Purchase) ids(first ...string) []string {
	return append(first, p.ProductID, p.HoldID, p.CouponID)
}

// Prepared is a merchant_uid for one payment of the event's user.
type Prepared struct {
	MerchantUID string `json:"merchant_uid"` // "m<sequence>-<8 of the request id>"
	Purchase
	PaymentDue domain.Time `json:"payBy,omitzero"` // until when it can be paid in time; 0 in logs of older versions
	Terms      *Terms      `json:"terms,omitempty"`
}

func (Prepared) Type() (string, int) { return "products.prepared", 1 }
func (p Prepared) Result() any {
	return prepareResult{p.MerchantUID, p.HoldID, p.Amount, p.ListPrice(), p.Discount, p.PaymentDue}
}
func (p Prepared) IDs(string) []string { return p.ids(p.MerchantUID) }

// PreparationDue says that it is time to ask the provider whether a prepared payment was made whose order never came. It has no user.
type PreparationDue struct {
	MerchantUID string `json:"merchant_uid"`
	Attempt     int    `json:"round"` // from 1
}

func (PreparationDue) Type() (string, int)   { return "products.preparation-due", 1 }
func (p PreparationDue) IDs(string) []string { return []string{p.MerchantUID} }

// Placed is an order that has its units or seats and whose payment is not verified yet. Without a request, onsale has placed it
// because its user had paid and sent no order.
type Placed struct {
	PaymentID string `json:"imp_uid"`
	Purchase
	PaymentDue  domain.Time `json:"payBy"`                  // when an unpaid order fails
	Late        bool        `json:"late,omitempty"`         // its hold had expired; the seats were still free
	MerchantUID string      `json:"merchant_uid,omitempty"` // of the preparation, where onsale has placed it
	Terms
}

func (Placed) Type() (string, int)   { return "orders.placed", 1 }
func (p Placed) Result() any         { return placeResult{p.PaymentID, p.Status()} }
func (Placed) Created()              {}
func (p Placed) IDs(string) []string { return p.ids(p.PaymentID, p.MerchantUID) }

// Status is that of the order after the command: one that costs nothing succeeds with it.
func (p Placed) Status() Status {
	if p.Amount == 0 {
		return StatusPaid
	}
	return StatusVerifying
}

// Confirmed answers a user whose order onsale has placed before it came.
type Confirmed struct {
	PaymentID string `json:"imp_uid"`
	Status    Status `json:"orderStatus"`
}

func (Confirmed) Type() (string, int)   { return "orders.confirmed", 1 }
func (c Confirmed) Result() any         { return c }
func (Confirmed) Created()              {}
func (c Confirmed) IDs(string) []string { return []string{c.PaymentID} }

// Placement is an order as Placed has it, without what Placed says of itself: RejectedPaid is no Outcome.
type Placement Placed

// RejectedPaid is an order that the next event rejects, and that is kept: its payment may have been made, and is then refunded.
type RejectedPaid struct {
	Placement
	Reason string `json:"reason"`
}

func (RejectedPaid) Type() (string, int)   { return "orders.rejected-paid", 1 }
func (r RejectedPaid) IDs(string) []string { return r.ids(r.PaymentID, r.MerchantUID) }

// Pending says that the payment was not made yet.
type Pending struct {
	PaymentID string  `json:"imp_uid"`
	Payment   Payment `json:"payment"`
}

func (Pending) Type() (string, int)   { return "orders.pending", 1 }
func (p Pending) IDs(string) []string { return []string{p.PaymentID, p.Payment.MerchantUID} }

// Succeeded is the result that the order is paid. An order on a hold has its reservation in the next event.
type Succeeded struct {
	PaymentID string `json:"imp_uid"`
	Purchase
	ReservationID string  `json:"reservationId,omitempty"`
	Payment       Payment `json:"payment"`
}

func (Succeeded) Type() (string, int) { return "orders.succeeded", 1 }
func (s Succeeded) IDs(string) []string {
	return s.ids(s.PaymentID, s.ReservationID, s.Payment.MerchantUID)
}

// RefundDue says that what is left of the payment has to be refunded, but for what the shop keeps. Without Payment, the provider has
// to be asked first whether there is one, and whose.
type RefundDue struct {
	PaymentID string   `json:"imp_uid"`
	Reason    string   `json:"reason"`
	Note      string   `json:"note,omitempty"`
	Payment   *Payment `json:"payment,omitempty"`
	Kept      int64    `json:"kept,omitempty"`
}

func (RefundDue) Type() (string, int) { return "orders.refund-due", 1 }
func (r RefundDue) IDs(string) []string {
	if r.Payment == nil {
		return []string{r.PaymentID}
	}
	return []string{r.PaymentID, r.Payment.MerchantUID}
}

// Failed is the result that the order failed and nothing is left to refund. Refunded is the amount that was refunded before; it is 0 for
// a payment of another user or one that was not prepared, whose money stays with the provider.
type Failed struct {
	PaymentID string `json:"imp_uid"`
	Purchase
	Reason   string  `json:"reason"`
	Note     string  `json:"note,omitempty"`
	Refunded int64   `json:"refunded"`
	Payment  Payment `json:"payment"`
}

func (Failed) Type() (string, int)   { return "orders.failed", 1 }
func (f Failed) IDs(string) []string { return f.ids(f.PaymentID, f.Payment.MerchantUID) }

// Refunded says that the money of an order that had its result before was refunded, but for what the shop keeps.
type Refunded struct {
	PaymentID string  `json:"imp_uid"`
	Reason    string  `json:"reason"`
	Note      string  `json:"note,omitempty"`
	Refunded  int64   `json:"refunded"` // in all; the provider's balance
	Payment   Payment `json:"payment"`
	Kept      int64   `json:"kept,omitempty"`
	CouponID  string  `json:"couponId,omitempty"` // that the user gets back, since nothing is kept; unless an admin has revoked it
}

func (Refunded) Type() (string, int) { return "orders.refunded", 1 }
func (r Refunded) IDs(string) []string {
	return []string{r.PaymentID, r.Payment.MerchantUID, r.CouponID}
}

// Discrepant says that the provider reports something about a paid order, a refund, or another user's payment that an admin has to
// look at. It has no user, and changes no status.
type Discrepant struct {
	PaymentID string  `json:"imp_uid"`
	Payment   Payment `json:"payment"`
}

func (Discrepant) Type() (string, int)   { return "orders.discrepant", 1 }
func (d Discrepant) IDs(string) []string { return []string{d.PaymentID, d.Payment.MerchantUID} }

// Recheck says that it is time to ask the provider again. It has no user.
type Recheck struct {
	PaymentID string `json:"imp_uid"`
	Attempt   int    `json:"round"` // from 1
}

func (Recheck) Type() (string, int)   { return "orders.recheck", 1 }
func (r Recheck) IDs(string) []string { return []string{r.PaymentID} }

// Cancelled answers the admin's command. The RefundDue before it is for the order's user.
type Cancelled struct {
	PaymentID    string `json:"imp_uid"`
	ProductID    string `json:"salePostId,omitempty"`
	HoldID       string `json:"holdId,omitempty"`
	UserID       string `json:"userId"` // of the order
	Amount       int64  `json:"amount"`
	Reason       string `json:"reason,omitempty"`
	RefundAmount *int64 `json:"refundAmount,omitempty"` // where the command has a percentage and the order was paid
}

func (Cancelled) Type() (string, int)   { return "orders.cancelled", 1 }
func (c Cancelled) Result() any         { return c }
func (Cancelled) Command() string       { return "orders.cancel" }
func (c Cancelled) IDs(string) []string { return []string{c.PaymentID, c.ProductID, c.HoldID} }
