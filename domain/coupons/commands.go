// Commands on promotions. The JSON of these structs is the format of the log: a changed meaning is a new version beside the
// old one. Check methods return a *domain.FieldError for the first invalid field.

package coupons

import "onsale/domain"

// Limits of a promotion: numbers that fit into a coupon id and on a screen.
const (
	MaxStock        = 1_000_000_000
	MaxPerUserLimit = 1_000
	MaxName         = 200 // bytes
)

// Create creates a promotion; its id is the command's entity.
type Create struct {
	Name         string      `json:"name"`
	Stock        int         `json:"stock"`        // units, 0 to 1,000,000,000
	PerUserLimit int         `json:"perUserLimit"` // 1 to 1,000
	OpensAt      domain.Time `json:"opensAt,omitzero"`
	ClosesAt     domain.Time `json:"closesAt,omitzero"`
	DiscountTerms
	SoldOut string `json:"soldOut,omitempty"` // SoldOutAnswer; "": each request is decided and recorded
}

func (Create) Type() (string, int) { return "coupons.create", 1 }
func (c Create) Check() error {
	switch {
	case c.Stock < 0 || c.Stock > MaxStock:
		return domain.InvalidField("stock", "0 to %d", MaxStock)
	case c.PerUserLimit < 1 || c.PerUserLimit > MaxPerUserLimit:
		return domain.InvalidField("perUserLimit", "1 to %d", MaxPerUserLimit)
	case c.OpensAt != 0 && c.ClosesAt != 0 && c.ClosesAt <= c.OpensAt:
		return domain.InvalidField("closesAt", "must be later than opensAt")
	case c.SoldOut != "" && c.SoldOut != SoldOutAnswer:
		return domain.InvalidField("soldOut", `"record" or "answer"`)
	}
	if err := c.DiscountTerms.check(); err != nil {
		return err
	}
	return domain.CheckName("name", c.Name, MaxName)
}

// Issue issues one unit to the user.
type Issue struct{}

func (Issue) Type() (string, int) { return "coupons.issue", 1 }

// Use redeems a coupon of the user.
type Use struct {
	Number int `json:"number"`
}

func (Use) Type() (string, int)             { return "coupons.use", 1 }
func (u Use) IDs(promotion string) []string { return []string{CouponID(promotion, u.Number)} }

// Pause stops issuing until Resume. Offers can still be accepted.
type Pause struct {
	Reason string `json:"reason,omitempty"`
}

func (Pause) Type() (string, int) { return "coupons.pause", 1 }
func (p Pause) Check() error      { return domain.CheckReason(p.Reason, domain.MaxReason) }

// Resume ends a pause.
type Resume struct {
	Reason string `json:"reason,omitempty"`
}

func (Resume) Type() (string, int) { return "coupons.resume", 1 }
func (r Resume) Check() error      { return domain.CheckReason(r.Reason, domain.MaxReason) }

// Close ends a promotion permanently. Offers remain until their time; no new ones are made.
type Close struct {
	Reason string `json:"reason,omitempty"`
}

func (Close) Type() (string, int) { return "coupons.close", 1 }
func (c Close) Check() error      { return domain.CheckReason(c.Reason, domain.MaxReason) }

// ChangeStock adds units, or removes units that are neither issued nor on offer.
type ChangeStock struct {
	Delta  int    `json:"delta"` // not 0
	Reason string `json:"reason,omitempty"`
}

func (ChangeStock) Type() (string, int) { return "coupons.change-stock", 1 }
func (c ChangeStock) Check() error {
	if c.Delta == 0 || c.Delta < -MaxStock || c.Delta > MaxStock {
		return domain.InvalidField("delta", "-%d to %d, and not 0", MaxStock, MaxStock)
	}
	return domain.CheckReason(c.Reason, domain.MaxReason)
}

// Revoke takes a coupon from its owner, and returns its unit to the stock or not.
type Revoke struct {
	Number      int    `json:"number"`
	ReturnStock bool   `json:"returnStock"`
	Reason      string `json:"reason,omitempty"`
}

func (Revoke) Type() (string, int)             { return "coupons.revoke", 1 }
func (r Revoke) Check() error                  { return domain.CheckReason(r.Reason, domain.MaxReason) }
func (r Revoke) IDs(promotion string) []string { return []string{CouponID(promotion, r.Number)} }

// Join puts the user at the end of the waiting list.
type Join struct {
	Quantity int `json:"quantity"` // units, 1 to the promotion's limit per user
}

func (Join) Type() (string, int) { return "coupons.join", 1 }
func (j Join) Check() error {
	if j.Quantity < 1 || j.Quantity > MaxPerUserLimit {
		return domain.InvalidField("quantity", "1 to %d", MaxPerUserLimit)
	}
	return nil
}

// Leave ends the waiting, with or without an offer.
type Leave struct {
	WaitingID string `json:"waitingId"`
}

func (Leave) Type() (string, int)   { return "coupons.leave", 1 }
func (l Leave) Check() error        { return domain.CheckIDField("waitingId", l.WaitingID) }
func (l Leave) IDs(string) []string { return []string{l.WaitingID} }

// Accept turns an offer into coupons.
type Accept struct {
	WaitingID string `json:"waitingId"`
}

func (Accept) Type() (string, int)   { return "coupons.accept", 1 }
func (a Accept) Check() error        { return domain.CheckIDField("waitingId", a.WaitingID) }
func (a Accept) IDs(string) []string { return []string{a.WaitingID} }

// Decline turns an offer down and ends the waiting. The units are offered to the next user.
type Decline struct {
	WaitingID string `json:"waitingId"`
}

func (Decline) Type() (string, int)   { return "coupons.decline", 1 }
func (d Decline) Check() error        { return domain.CheckIDField("waitingId", d.WaitingID) }
func (d Decline) IDs(string) []string { return []string{d.WaitingID} }
