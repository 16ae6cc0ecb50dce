// What can be asked of products and orders. The bytes of these structs are the log's format: a changed meaning is a new
// version beside the old one. A product is the entity of what is asked of it, an imp_uid that of an order.

package orders

import "onsale/domain"

// Create opens a product; its id is the command's entity.
type Create struct {
	Name  string `json:"name"`
	Price int64  `json:"price"` // of a unit, in the currency's smallest unit, 1 to 1,000,000,000,000
	Stock int    `json:"stock"` // units, 0 to 1,000,000,000
}

func (Create) Type() (string, int)        { return "products.create", 1 }
func (Create) IDs(entity string) []string { return []string{entity} }

// ChangeStock adds units, or takes away some that nobody has.
type ChangeStock struct {
	Delta  int    `json:"delta"` // not 0
	Reason string `json:"reason,omitempty"`
}

func (ChangeStock) Type() (string, int)        { return "products.change-stock", 1 }
func (ChangeStock) IDs(entity string) []string { return []string{entity} }

// Close ends the sale of a product for good. Orders that were placed go on.
type Close struct {
	Reason string `json:"reason,omitempty"`
}

func (Close) Type() (string, int)        { return "products.close", 1 }
func (Close) IDs(entity string) []string { return []string{entity} }

// Prepare asks for a merchant_uid, under which the user who sends it, and nobody else, can pay for so many units.
type Prepare struct {
	Count int `json:"count"`
}

func (Prepare) Type() (string, int)        { return "products.prepare", 1 }
func (Prepare) IDs(entity string) []string { return []string{entity} }

// Place orders units for a payment that was made or begun; its imp_uid is the command's entity.
type Place struct {
	ProductID string `json:"salePostId"`
	Count     int    `json:"count"`  // 1 to 1,000
	Amount    int64  `json:"amount"` // what the client believes it costs; the price decides
	Terms
}

func (Place) Type() (string, int)          { return "orders.place", 1 }
func (p Place) IDs(entity string) []string { return []string{entity, p.ProductID} }

// Terms are what a node's configuration says of payments, written into the order when it is placed.
type Terms struct {
	Currency       string `json:"currency"`                 // that a payment must have: "KRW"
	PaySeconds     int    `json:"paySeconds"`               // how long an order waits for its payment, 1 to 2,592,000
	RequirePrepare bool   `json:"requirePrepare,omitempty"` // payments that were not prepared here are none of ours
	AllowTest      bool   `json:"allowTest,omitempty"`      // test payments are as good as real ones
}

// RecordPayment says what the provider was heard to say of an order's payment. No user sends it, and it has no request id: what
// changes nothing, or was asked before the order last changed, leads to no event.
type RecordPayment struct {
	LastEvent uint64  `json:"after"` // Order.Event as it was before the provider was asked
	Payment   Payment `json:"payment"`
}

func (RecordPayment) Type() (string, int)          { return "orders.record-payment", 1 }
func (r RecordPayment) IDs(entity string) []string { return []string{entity, r.Payment.MerchantUID} }

// Cancel is the shop's: the order ends, and what was paid goes back.
type Cancel struct {
	Reason string `json:"reason,omitempty"`
}

func (Cancel) Type() (string, int)        { return "orders.cancel", 1 }
func (Cancel) IDs(entity string) []string { return []string{entity} }

// Check says which field has a wrong shape, as a *domain.FieldError.
func (c Cancel) Check() error { return checkReason(c.Reason) }

// MaxPaySeconds is 30 days.
const MaxPaySeconds = 30 * 24 * 60 * 60

// check finds what no door lets through.
func (p Place) invalid() bool {
	return domain.CheckID(p.ProductID) != nil || len(p.Currency) != 3 || p.PaySeconds < 1 || p.PaySeconds > MaxPaySeconds
}
