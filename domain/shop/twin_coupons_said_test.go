// What events about promotions say, in the twin's words.
package shop_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/coupons"
)

// couponSaid is what an event about a promotion says, in the twin's words; "" when it is about something else.
func couponSaid(e domain.Event) string {
	switch b := e.Body.(type) {
	case coupons.Created:
		return "created " + b.PromotionID
	case coupons.Issued:
		return "issued " + b.CouponID
	case coupons.Used:
		return "used " + b.CouponID
	case coupons.Opened:
		return "opened " + b.PromotionID
	case coupons.Paused:
		return "paused " + b.PromotionID
	case coupons.Resumed:
		return "resumed " + b.PromotionID
	case coupons.Closed:
		return "closed " + b.PromotionID + " by " + e.User
	case coupons.Restocked:
		return fmt.Sprintf("stock of %s by %d to %d", b.PromotionID, b.Delta, b.Stock)
	case coupons.Revoked:
		return fmt.Sprintf("revoked %s of %s, back %t", b.CouponID, e.User, b.Returned)
	case coupons.Withdrawn:
		return fmt.Sprintf("withdrawn %s of %s, back %t", b.CouponID, b.UserID, b.Returned)
	case coupons.Joined:
		return fmt.Sprintf("joined %s for %d at %d", b.WaitingID, b.Quantity, b.Position)
	case coupons.Left:
		return "left " + b.WaitingID
	case coupons.Offered:
		return fmt.Sprintf("offered %s to %s: %d until %s", b.WaitingID, e.User, b.Quantity, b.ExpiresAt)
	case coupons.Accepted:
		return fmt.Sprintf("accepted %s: %d from %s on, number %d", b.WaitingID, b.Quantity, b.CouponID, b.Number)
	case coupons.Declined:
		return fmt.Sprintf("declined %s: %d", b.WaitingID, b.Quantity)
	case coupons.OfferExpired:
		return fmt.Sprintf("expired %s of %s: %d at %s", b.WaitingID, e.User, b.Quantity, b.ExpiresAt)
	}
	return ""
}
