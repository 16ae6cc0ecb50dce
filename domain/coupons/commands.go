// What can be asked of a promotion. The bytes of these structs are the log's format: a changed meaning is a new version
// beside the old one.

package coupons

import "onsale/domain"

// Create opens a promotion; its id is the command's entity.
type Create struct {
	Name         string      `json:"name"`
	Stock        int         `json:"stock"`        // units, 0 to 1,000,000,000
	PerUserLimit int         `json:"perUserLimit"` // 1 to 1,000
	OpensAt      domain.Time `json:"opensAt,omitzero"`
	ClosesAt     domain.Time `json:"closesAt,omitzero"`
}

func (Create) Type() (string, int) { return "coupons.create", 1 }

// Issue asks for one unit for the user who sends it.
type Issue struct{}

func (Issue) Type() (string, int) { return "coupons.issue", 1 }

// Use redeems a coupon of the user who sends it.
type Use struct {
	Number int `json:"number"`
}

func (Use) Type() (string, int)          { return "coupons.use", 1 }
func (u Use) IDs(entity string) []string { return []string{CouponID(entity, u.Number)} }

// Pause stops giving out until Resume. Who has an offer may still accept it.
type Pause struct {
	Reason string `json:"reason,omitempty"`
}

func (Pause) Type() (string, int) { return "coupons.pause", 1 }

// Resume goes on after Pause.
type Resume struct {
	Reason string `json:"reason,omitempty"`
}

func (Resume) Type() (string, int) { return "coupons.resume", 1 }

// Close ends a promotion for good. Offers stand until their time; new ones are not made.
type Close struct {
	Reason string `json:"reason,omitempty"`
}

func (Close) Type() (string, int) { return "coupons.close", 1 }

// ChangeStock adds units, or takes away some that nobody has.
type ChangeStock struct {
	Delta  int    `json:"delta"` // not 0
	Reason string `json:"reason,omitempty"`
}

func (ChangeStock) Type() (string, int) { return "coupons.change-stock", 1 }

// Revoke takes a coupon from whoever has it, and gives its unit back to the stock or not.
type Revoke struct {
	Number      int    `json:"number"`
	ReturnStock bool   `json:"returnStock"`
	Reason      string `json:"reason,omitempty"`
}

func (Revoke) Type() (string, int)          { return "coupons.revoke", 1 }
func (r Revoke) IDs(entity string) []string { return []string{CouponID(entity, r.Number)} }

// Join puts the user who sends it at the end of the waiting list.
type Join struct {
	Quantity int `json:"quantity"` // units, 1 to the promotion's limit per user
}

func (Join) Type() (string, int) { return "coupons.join", 1 }

// Leave ends the waiting, an offer included.
type Leave struct {
	WaitingID string `json:"waitingId"`
}

func (Leave) Type() (string, int)   { return "coupons.leave", 1 }
func (l Leave) IDs(string) []string { return []string{l.WaitingID} }

// Accept takes what is offered.
type Accept struct {
	WaitingID string `json:"waitingId"`
}

func (Accept) Type() (string, int)   { return "coupons.accept", 1 }
func (a Accept) IDs(string) []string { return []string{a.WaitingID} }

// Decline lets the next one have what is offered, and ends the waiting.
type Decline struct {
	WaitingID string `json:"waitingId"`
}

func (Decline) Type() (string, int)   { return "coupons.decline", 1 }
func (d Decline) IDs(string) []string { return []string{d.WaitingID} }
