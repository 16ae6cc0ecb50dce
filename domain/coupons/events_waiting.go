// What can have happened to those who wait for units of a promotion.
package coupons

import "onsale/domain"

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
