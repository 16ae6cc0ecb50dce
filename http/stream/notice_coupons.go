// What a user is told about coupons, and about waiting for them.
package stream

import (
	"onsale/domain"
	"onsale/domain/coupons"
)

// What became of somebody's waiting, as the frame "waiting" says it.
const (
	isWaiting   = "WAITING"
	hasLeft     = "LEFT"
	hasDeclined = "DECLINED"
)

func couponNotice(body domain.Body) (notice, bool) {
	switch b := body.(type) {
	case coupons.Issued:
		return notice{name: "issue-complete", text: "issue-complete", fields: b, words: words{promotionID: b.PromotionID}}, true
	case coupons.Accepted:
		return notice{name: "issue-complete", text: "issue-complete", fields: b, words: words{promotionID: b.PromotionID}}, true
	case coupons.Used:
		return notice{name: "coupon-used", text: "coupon-used", fields: b, words: words{couponID: b.CouponID}}, true
	case coupons.Revoked:
		return notice{name: "coupon-revoked", text: "coupon-revoked", fields: b, words: words{couponID: b.CouponID}}, true
	case coupons.Joined:
		return notice{name: "waiting", text: "waiting", words: words{position: b.Position}, fields: struct {
			Status string `json:"status"`
			coupons.Joined
		}{isWaiting, b}}, true
	case coupons.Left:
		return notice{name: "waiting", text: "waiting/left", fields: struct {
			Status string `json:"status"`
			coupons.Left
		}{hasLeft, b}}, true
	case coupons.Declined:
		return notice{name: "waiting", text: "waiting/declined", fields: struct {
			Status string `json:"status"`
			coupons.Declined
		}{hasDeclined, b}}, true
	case coupons.Offered:
		return notice{name: "offer", text: "offer/coupons", fields: b, words: words{promotionID: b.PromotionID, count: b.Quantity}}, true
	case coupons.OfferExpired:
		return notice{name: "offer-expired", text: "offer-expired", fields: b}, true
	}
	return notice{}, false
}
