// What happens to a user who did not ask for it becomes an alarm, right behind it.

package machine

import (
	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// alarmFor is the alarm that e raises for its user; false when it raises none.
func alarmFor(e domain.Event) (domain.Event, bool) {
	var raised alarms.Raised
	switch b := e.Body.(type) {
	case coupons.Offered:
		raised = alarms.Raised{Kind: alarms.KindOffer, PromotionID: b.PromotionID, WaitingID: b.WaitingID, Count: b.Quantity, ExpiresAt: b.ExpiresAt}
	case coupons.Revoked:
		raised = alarms.Raised{Kind: alarms.KindCouponRevoked, PromotionID: b.PromotionID, CouponID: b.CouponID, Reason: b.Reason}
	case seats.Offered:
		raised = alarms.Raised{Kind: alarms.KindOffer, ScheduleID: b.ScheduleID, WaitingID: b.WaitingID,
			Count: len(b.ScheduleSeatIDs), ExpiresAt: b.ExpiresAt}
	case seats.Expiring:
		if e.Now >= b.ExpiresAt { // nobody could tell it in time, and now it is over
			return e, false
		}
		raised = alarms.Raised{Kind: alarms.KindHoldExpiring, ScheduleID: b.ScheduleID, HoldID: b.HoldID, ExpiresAt: b.ExpiresAt}
	case seats.Cancelled:
		if !e.Request.IsZero() { // they asked for it
			return e, false
		}
		raised = alarms.Raised{Kind: alarms.KindReservationCancelled, ScheduleID: b.ScheduleID, ReservationID: b.ReservationID,
			Count: len(b.ScheduleSeatIDs), Reason: b.Reason}
	case orders.Refunded:
		raised = alarms.Raised{Kind: alarms.KindOrderRefunded, PaymentID: b.PaymentID, Amount: b.Refunded, Reason: b.Note}
	default:
		return e, false
	}
	return domain.Event{Entity: e.User, User: e.User, Body: raised}, true
}
