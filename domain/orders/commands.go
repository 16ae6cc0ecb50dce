// Commands on products, whose entity is the product's id (of a preparation on a hold: the hold's), and on orders, whose entity is the
// imp_uid of the payment. The JSON of these structs is the format of the log: a changed meaning is a new version beside the old one.
// Check methods return a *domain.FieldError for the first invalid field.

package orders

import (
	"cmp"
	"strings"
	"time"

	"onsale/domain"
)

// Limits of products and orders. Price × count stays below 2^53, so that every client can compute with it.
const (
	MaxStock      = 1_000_000_000
	MaxPrice      = 1_000_000_000_000
	MaxCount      = 1_000             // units of one order
	MaxName       = 200               // bytes
	MaxReason     = 500               // bytes; longer than domain.MaxReason: why an order was cancelled is shown to its user
	MaxPaySeconds = 30 * 24 * 60 * 60 // 30 days
)

// Create creates a product; its id is the command's entity.
type Create struct {
	Name         string `json:"name"`
	Price        int64  `json:"price"`                  // of a unit, in the currency's smallest unit, 1 to 1,000,000,000,000
	Stock        int    `json:"stock"`                  // units, 0 to 1,000,000,000
	PerUserLimit int    `json:"perUserLimit,omitempty"` // units that a user may have, up to 1,000,000,000; 0: any number
}

func (Create) Type() (string, int)        { return "products.create", 1 }
func (Create) IDs(entity string) []string { return []string{entity} }
func (c Create) Check() error {
	switch {
	case c.Price < 1 || c.Price > MaxPrice:
		return domain.InvalidField("price", "1 to %d", MaxPrice)
	case c.Stock < 0 || c.Stock > MaxStock:
		return domain.InvalidField("stock", "0 to %d", MaxStock)
	case c.PerUserLimit < 0 || c.PerUserLimit > MaxStock:
		return domain.InvalidField("perUserLimit", "0 to %d", MaxStock)
	}
	return domain.CheckName("name", c.Name, MaxName)
}

// ChangeStock adds units, or removes units that no order has.
type ChangeStock struct {
	Delta  int    `json:"delta"` // not 0
	Reason string `json:"reason,omitempty"`
}

func (ChangeStock) Type() (string, int)        { return "products.change-stock", 1 }
func (ChangeStock) IDs(entity string) []string { return []string{entity} }
func (c ChangeStock) Check() error {
	if c.Delta == 0 || c.Delta < -MaxStock || c.Delta > MaxStock {
		return domain.InvalidField("delta", "-%d to %d, and not 0", MaxStock, MaxStock)
	}
	return domain.CheckReason(c.Reason, MaxReason)
}

// Close ends the sale of a product permanently. Its orders go on.
type Close struct {
	Reason string `json:"reason,omitempty"`
}

func (Close) Type() (string, int)        { return "products.close", 1 }
func (Close) IDs(entity string) []string { return []string{entity} }
func (c Close) Check() error             { return domain.CheckReason(c.Reason, MaxReason) }

// Prepare asks for a merchant_uid under which only this user can pay for so many units, or for the seats of a hold. The command's
// entity is the product's id, or the hold's.
type Prepare struct {
	Count         int    `json:"count"`            // 0 for a hold
	HoldID        string `json:"holdId,omitempty"` // instead of units
	CouponID      string `json:"couponId,omitempty"`
	MaxOpenOrders int    `json:"maxOpenOrders,omitempty"` // as in Place
	Terms         *Terms `json:"terms,omitempty"`         // nil in logs of older versions
}

func (Prepare) Type() (string, int)          { return "products.prepare", 1 }
func (p Prepare) IDs(entity string) []string { return []string{entity, p.CouponID} }
func (p Prepare) Hold() string               { return p.HoldID }

// Place orders units, or the seats of a hold, for a payment that was made or begun; the payment's imp_uid is the command's entity.
// Without a payment, for an order that costs nothing, the entity is NoPayment.
type Place struct {
	ProductID     string `json:"salePostId,omitempty"`
	Count         int    `json:"count,omitempty"`  // 1 to 1,000
	HoldID        string `json:"holdId,omitempty"` // instead of a product
	CouponID      string `json:"couponId,omitempty"`
	Amount        int64  `json:"amount"`                  // as the client computed it; must be the list price less the coupon's discount
	MaxOpenOrders int    `json:"maxOpenOrders,omitempty"` // a setting of the node: orders without a result that a user may have; 0: any number
	Terms
}

func (Place) Type() (string, int) { return "orders.place", 1 }
func (p Place) IDs(entity string) []string {
	return []string{entity, p.ProductID, p.HoldID, p.CouponID}
}

// NoPayment is the entity of a Place without a payment. Such an order gets the id "free-<sequence>".
const NoPayment = "free"

// IsReserved says whether a payment may not have this id: the API refuses it. Logs of older versions may have it for what was paid.
func IsReserved(paymentID string) bool {
	return paymentID == NoPayment || strings.HasPrefix(paymentID, NoPayment+"-")
}

// invalid finds what the API and its configuration never send.
func (p Place) invalid() bool {
	if (p.ProductID == "") == (p.HoldID == "") || p.Terms.invalid() {
		return true
	}
	return domain.CheckID(cmp.Or(p.ProductID, p.HoldID)) != nil || p.CouponID != "" && domain.CheckID(p.CouponID) != nil
}

// PlacePrepared orders what a user has prepared and paid without sending the order. The payment worker sends it, without a user and a
// request id; the imp_uid is the command's entity. Where the payment has an order it leads to no event.
type PlacePrepared struct {
	MerchantUID string `json:"merchant_uid"`
}

func (PlacePrepared) Type() (string, int)          { return "orders.place-prepared", 1 }
func (p PlacePrepared) IDs(entity string) []string { return []string{entity, p.MerchantUID} }

// Terms are the payment settings of a node, written into the order when it is placed.
type Terms struct {
	Currency       string `json:"currency"`                 // of the payment: "KRW"
	PaySeconds     int    `json:"paySeconds"`               // for which an order waits for its payment, 1 to 2,592,000
	MissingSeconds int    `json:"missingSeconds,omitempty"` // the same while the provider does not know the payment; 0: as PaySeconds
	RequirePrepare bool   `json:"requirePrepare,omitempty"` // payments that were not prepared here are not accepted
	AllowTest      bool   `json:"allowTest,omitempty"`      // test payments are accepted
}

// PayWithin returns PaySeconds as a duration.
func (t Terms) PayWithin() time.Duration { return time.Duration(t.PaySeconds) * time.Second }

func (t Terms) invalid() bool {
	return len(t.Currency) != 3 || t.PaySeconds < 1 || t.PaySeconds > MaxPaySeconds || t.MissingSeconds < 0 || t.MissingSeconds > MaxPaySeconds
}

// RecordPayment records what the provider answered about an order's payment. The payment worker sends it, without a user and a
// request id. An answer that changes nothing, or to a question from before the order's last change, leads to no event.
type RecordPayment struct {
	LastEvent uint64  `json:"after"` // Order.LastEvent before the provider was asked
	Payment   Payment `json:"payment"`
}

func (RecordPayment) Type() (string, int)          { return "orders.record-payment", 1 }
func (r RecordPayment) IDs(entity string) []string { return []string{entity, r.Payment.MerchantUID} }

// Cancel is sent by an admin: the order ends, and what was paid is refunded, or a part of it. An order without a result is always
// refunded whole.
type Cancel struct {
	Reason  string `json:"reason,omitempty"`
	Percent *int   `json:"percent,omitempty"` // of the amount, 0 to 100; nil: 100
}

func (Cancel) Type() (string, int)        { return "orders.cancel", 1 }
func (Cancel) IDs(entity string) []string { return []string{entity} }
func (c Cancel) Check() error {
	if c.Percent != nil && (*c.Percent < 0 || *c.Percent > 100) {
		return domain.InvalidField("percent", "0 to 100")
	}
	return domain.CheckReason(c.Reason, MaxReason)
}
