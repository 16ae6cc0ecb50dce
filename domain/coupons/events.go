// What can be asked of a promotion, and what can have happened to it. The bytes of these structs are the log's format:
// a changed meaning is a new version beside the old one.
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
