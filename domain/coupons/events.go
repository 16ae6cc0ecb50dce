// What can have happened to a promotion. The bytes of these structs are the log's format, and they are what clients read as
// results: a changed meaning is a new version beside the old one.

package coupons

import (
	"onsale/domain"
)

// Created is a promotion with everything that its rules need.
type Created struct {
	PromotionID  string      `json:"promotionId"`
	Name         string      `json:"name"`
	Stock        int         `json:"stock"`
	PerUserLimit int         `json:"perUserLimit"`
	OpensAt      domain.Time `json:"opensAt,omitzero"`
	ClosesAt     domain.Time `json:"closesAt,omitzero"`
}

func (Created) Type() (string, int) { return "coupons.created", 1 }

// Issued is one unit given to one user. Number counts the promotion's coupons from 1, in the order of the line.
type Issued struct {
	PromotionID string `json:"promotionId"`
	CouponID    string `json:"couponId"` // "<promotionId>-<number>"
	Number      int    `json:"number"`
}

func (Issued) Type() (string, int) { return "coupons.issued", 1 }

// Used is a coupon redeemed by its owner, once.
type Used struct {
	PromotionID string `json:"promotionId"`
	CouponID    string `json:"couponId"`
	Number      int    `json:"number"`
}

func (Used) Type() (string, int) { return "coupons.used", 1 }

// Opened says that opensAt has come. It concerns nobody alone.
type Opened struct {
	PromotionID string `json:"promotionId"`
}

func (Opened) Type() (string, int) { return "coupons.opened", 1 }

// Paused is a promotion that gives nothing out for the time being.
type Paused struct {
	PromotionID string `json:"promotionId"`
	Reason      string `json:"reason,omitempty"`
}

func (Paused) Type() (string, int) { return "coupons.paused", 1 }

// Resumed is the end of the pause.
type Resumed struct {
	PromotionID string `json:"promotionId"`
	Reason      string `json:"reason,omitempty"`
}

func (Resumed) Type() (string, int) { return "coupons.resumed", 1 }

// Closed is the end: by somebody, who is the event's user, or by closesAt, which is nobody.
type Closed struct {
	PromotionID string `json:"promotionId"`
	Reason      string `json:"reason,omitempty"`
}

func (Closed) Type() (string, int) { return "coupons.closed", 1 }

// StockChanged is another number of units.
type StockChanged struct {
	PromotionID string `json:"promotionId"`
	Delta       int    `json:"delta"`
	Stock       int    `json:"stock"` // from now on
	Reason      string `json:"reason,omitempty"`
}

func (StockChanged) Type() (string, int) { return "coupons.stock-changed", 1 }

// Revoked is a coupon taken from its owner, who is the event's user.
type Revoked struct {
	PromotionID string `json:"promotionId"`
	CouponID    string `json:"couponId"`
	Number      int    `json:"number"`
	Returned    bool   `json:"returned"` // its unit is there for somebody else
	Reason      string `json:"reason,omitempty"`
}

func (Revoked) Type() (string, int) { return "coupons.revoked", 1 }

// RevocationDone answers who asked for a revocation; Revoked, before it, is what happened.
type RevocationDone struct {
	PromotionID string `json:"promotionId"`
	CouponID    string `json:"couponId"`
	Number      int    `json:"number"`
	UserID      string `json:"userId"` // who had it
	Returned    bool   `json:"returned"`
	Reason      string `json:"reason,omitempty"`
}

func (RevocationDone) Type() (string, int) { return "coupons.revocation-done", 1 }

// What can have happened to those who wait for units of a promotion.

// Joined is a place in the waiting list.
type Joined struct {
	PromotionID string `json:"promotionId"`
	WaitingID   string `json:"waitingId"` // "<promotionId>-wc<sequence of the command>"
	Quantity    int    `json:"quantity"`
	Position    int    `json:"position"` // 1 is the next; counted when they joined
}

func (Joined) Type() (string, int) { return "coupons.joined", 1 }

// Left is the end of waiting by the one who waited. What was on offer to them is there again.
type Left struct {
	PromotionID string `json:"promotionId"`
	WaitingID   string `json:"waitingId"`
}

func (Left) Type() (string, int) { return "coupons.left", 1 }

// Offered is units kept for one who waits, until ExpiresAt.
type Offered struct {
	PromotionID string      `json:"promotionId"`
	WaitingID   string      `json:"waitingId"`
	Quantity    int         `json:"quantity"`
	ExpiresAt   domain.Time `json:"expiresAt"`
}

func (Offered) Type() (string, int) { return "coupons.offered", 1 }

// Accepted is an offer that became coupons: Quantity of them, with numbers from Number on.
type Accepted struct {
	PromotionID string `json:"promotionId"`
	WaitingID   string `json:"waitingId"`
	CouponID    string `json:"couponId"` // the first
	Number      int    `json:"number"`   // its
	Quantity    int    `json:"quantity"`
}

func (Accepted) Type() (string, int) { return "coupons.accepted", 1 }

// Declined is an offer that was not wanted; the waiting is over.
type Declined struct {
	PromotionID string `json:"promotionId"`
	WaitingID   string `json:"waitingId"`
	Quantity    int    `json:"quantity"`
}

func (Declined) Type() (string, int) { return "coupons.declined", 1 }

// OfferExpired is an offer that nobody accepted in time; the waiting is over.
type OfferExpired struct {
	PromotionID string      `json:"promotionId"`
	WaitingID   string      `json:"waitingId"`
	Quantity    int         `json:"quantity"`
	ExpiresAt   domain.Time `json:"expiresAt"`
}

func (OfferExpired) Type() (string, int) { return "coupons.offer-expired", 1 }
