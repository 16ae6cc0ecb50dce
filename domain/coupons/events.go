// Events of promotions. The JSON of these structs is the format of the log, and what clients get as results: a changed meaning
// is a new version beside the old one.

package coupons

import (
	"iter"

	"onsale/domain"
	"onsale/domain/waitlist"
)

// Changer is an event that issues coupons or gives them another status. CouponChanges yields their numbers and that status.
type Changer interface {
	CouponChanges() Changes
}

// Changes yields numbers of coupons and their new status.
type Changes = iter.Seq2[int, Status]

func changes(first, count int, status Status) Changes {
	return func(yield func(int, Status) bool) {
		for number := first; number < first+count && yield(number, status); number++ {
		}
	}
}

// Created has everything that the rules of a promotion need.
type Created struct {
	PromotionID  string      `json:"promotionId"`
	Name         string      `json:"name"`
	Stock        int         `json:"stock"`
	PerUserLimit int         `json:"perUserLimit"`
	OpensAt      domain.Time `json:"opensAt,omitzero"`
	ClosesAt     domain.Time `json:"closesAt,omitzero"`
	DiscountTerms
	SoldOut string `json:"soldOut,omitempty"` // SoldOutAnswer, or ""
}

func (Created) Type() (string, int) { return "coupons.created", 1 }
func (c Created) Result() any       { return c }
func (Created) Created()            {}
func (Created) Command() string     { return "coupons.create" }

// Issued is one coupon for one user. Numbers count a promotion's coupons from 1, in the order of the commands.
type Issued struct {
	PromotionID string `json:"promotionId"`
	CouponID    string `json:"couponId"` // "<promotionId>-<number>"
	Number      int    `json:"number"`
}

func (Issued) Type() (string, int)      { return "coupons.issued", 1 }
func (i Issued) Result() any            { return i }
func (Issued) Created()                 {}
func (i Issued) IDs(string) []string    { return []string{i.CouponID} }
func (i Issued) CouponChanges() Changes { return changes(i.Number, 1, StatusIssued) }

// Used is a coupon that its owner redeemed, or whose order succeeded.
type Used struct {
	PromotionID string `json:"promotionId"`
	CouponID    string `json:"couponId"`
	Number      int    `json:"number"`
	PaymentID   string `json:"imp_uid,omitempty"` // of the order
}

func (Used) Type() (string, int)      { return "coupons.used", 1 }
func (u Used) Result() any            { return u }
func (u Used) IDs(string) []string    { return []string{u.CouponID, u.PaymentID} }
func (u Used) CouponChanges() Changes { return changes(u.Number, 1, StatusUsed) }

// Bound is a coupon that an order names which has no result yet.
type Bound struct {
	PromotionID string `json:"promotionId"`
	CouponID    string `json:"couponId"`
	Number      int    `json:"number"`
	PaymentID   string `json:"imp_uid"`
}

func (Bound) Type() (string, int)      { return "coupons.bound", 1 }
func (b Bound) IDs(string) []string    { return []string{b.CouponID, b.PaymentID} }
func (b Bound) CouponChanges() Changes { return changes(b.Number, 1, StatusInOrder) }

// GivenBack is a coupon that can be used again: its order failed, or was refunded in full.
type GivenBack struct {
	PromotionID string `json:"promotionId"`
	CouponID    string `json:"couponId"`
	Number      int    `json:"number"`
	PaymentID   string `json:"imp_uid"`
}

func (GivenBack) Type() (string, int)      { return "coupons.given-back", 1 }
func (g GivenBack) IDs(string) []string    { return []string{g.CouponID, g.PaymentID} }
func (g GivenBack) CouponChanges() Changes { return changes(g.Number, 1, StatusIssued) }

// Opened says that opensAt has come. It has no user.
type Opened struct {
	PromotionID string `json:"promotionId"`
}

func (Opened) Type() (string, int) { return "coupons.opened", 1 }

// Paused is a promotion that issues nothing until it is resumed.
type Paused struct {
	PromotionID string `json:"promotionId"`
	Reason      string `json:"reason,omitempty"`
}

func (Paused) Type() (string, int) { return "coupons.paused", 1 }
func (p Paused) Result() any       { return p }
func (Paused) Command() string     { return "coupons.pause" }

// Resumed is the end of a pause.
type Resumed struct {
	PromotionID string `json:"promotionId"`
	Reason      string `json:"reason,omitempty"`
}

func (Resumed) Type() (string, int) { return "coupons.resumed", 1 }
func (r Resumed) Result() any       { return r }
func (Resumed) Command() string     { return "coupons.resume" }

// Closed is the end of a promotion, by an admin, who is the event's user, or by closesAt, without a user.
type Closed struct {
	PromotionID string `json:"promotionId"`
	Reason      string `json:"reason,omitempty"`
}

func (Closed) Type() (string, int) { return "coupons.closed", 1 }
func (c Closed) Result() any       { return c }
func (Closed) Command() string     { return "coupons.close" }

// StockChanged is a new number of units.
type StockChanged struct {
	PromotionID string `json:"promotionId"`
	Delta       int    `json:"delta"`
	Stock       int    `json:"stock"` // the new number
	Reason      string `json:"reason,omitempty"`
}

func (StockChanged) Type() (string, int) { return "coupons.stock-changed", 1 }
func (s StockChanged) Result() any       { return s }
func (StockChanged) Command() string     { return "coupons.change-stock" }

// Revoked is a coupon taken from its owner, who is the event's user.
type Revoked struct {
	PromotionID string `json:"promotionId"`
	CouponID    string `json:"couponId"`
	Number      int    `json:"number"`
	Returned    bool   `json:"returned"` // its unit went back to the stock
	Reason      string `json:"reason,omitempty"`
}

func (Revoked) Type() (string, int)      { return "coupons.revoked", 1 }
func (r Revoked) IDs(string) []string    { return []string{r.CouponID} }
func (r Revoked) CouponChanges() Changes { return changes(r.Number, 1, StatusRevoked) }

// RevocationDone answers the admin's command. The Revoked before it is for the owner.
type RevocationDone struct {
	PromotionID string `json:"promotionId"`
	CouponID    string `json:"couponId"`
	Number      int    `json:"number"`
	UserID      string `json:"userId"` // the owner
	Returned    bool   `json:"returned"`
	Reason      string `json:"reason,omitempty"`
}

func (RevocationDone) Type() (string, int)   { return "coupons.revocation-done", 1 }
func (r RevocationDone) Result() any         { return r }
func (RevocationDone) Command() string       { return "coupons.revoke" }
func (r RevocationDone) IDs(string) []string { return []string{r.CouponID} }

// Events of the waiting list.

// Joined is a new entry in the waiting list.
type Joined struct {
	PromotionID string `json:"promotionId"`
	WaitingID   string `json:"waitingId"` // "<promotionId>-wc<sequence of the command>"
	Quantity    int    `json:"quantity"`
	Position    int    `json:"position"` // at the time of joining; 1 is the next
}

func (Joined) Type() (string, int) { return "coupons.joined", 1 }
func (j Joined) Result() any {
	return waitlist.JoinResult{WaitingID: j.WaitingID, Position: j.Position}
}
func (j Joined) IDs(string) []string { return []string{j.WaitingID} }

// Left is an entry whose user left. Units on offer to it are free again.
type Left struct {
	PromotionID string `json:"promotionId"`
	WaitingID   string `json:"waitingId"`
}

func (Left) Type() (string, int)   { return "coupons.left", 1 }
func (l Left) Result() any         { return l }
func (l Left) IDs(string) []string { return []string{l.WaitingID} }

// Offered is units kept for an entry until ExpiresAt.
type Offered struct {
	PromotionID string      `json:"promotionId"`
	WaitingID   string      `json:"waitingId"`
	Quantity    int         `json:"quantity"`
	ExpiresAt   domain.Time `json:"expiresAt"`
}

func (Offered) Type() (string, int)   { return "coupons.offered", 1 }
func (o Offered) IDs(string) []string { return []string{o.WaitingID} }

// Accepted is an offer that became Quantity coupons, with numbers from Number on.
type Accepted struct {
	PromotionID string `json:"promotionId"`
	WaitingID   string `json:"waitingId"`
	CouponID    string `json:"couponId"` // of the first
	Number      int    `json:"number"`   // of the first
	Quantity    int    `json:"quantity"`
}

func (Accepted) Type() (string, int) { return "coupons.accepted", 1 }
func (a Accepted) Result() any       { return a }
func (Accepted) Created()            {}
func (a Accepted) IDs(string) []string {
	ids := []string{a.WaitingID}
	for number := range a.CouponChanges() {
		ids = append(ids, CouponID(a.PromotionID, number))
	}
	return ids
}
func (a Accepted) CouponChanges() Changes { return changes(a.Number, a.Quantity, StatusIssued) }

// Declined is an offer that its user declined; the waiting is over.
type Declined struct {
	PromotionID string `json:"promotionId"`
	WaitingID   string `json:"waitingId"`
	Quantity    int    `json:"quantity"`
}

func (Declined) Type() (string, int)   { return "coupons.declined", 1 }
func (d Declined) Result() any         { return d }
func (d Declined) IDs(string) []string { return []string{d.WaitingID} }

// OfferExpired is an offer that was not accepted in time; the waiting is over.
type OfferExpired struct {
	PromotionID string      `json:"promotionId"`
	WaitingID   string      `json:"waitingId"`
	Quantity    int         `json:"quantity"`
	ExpiresAt   domain.Time `json:"expiresAt"`
}

func (OfferExpired) Type() (string, int)   { return "coupons.offer-expired", 1 }
func (o OfferExpired) IDs(string) []string { return []string{o.WaitingID} }
