// What a trace looks for in an event.

package command

import (
	"fmt"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// matches says whether a command or what it led to has to do with a request, a user, a coupon, a seat ("demo:17"), a
// product, or a payment, that is: its order.
func matches(target string, c domain.Command, events []domain.Event) bool {
	if c.User == target || c.Request.String() == target || c.Entity == target && isOrderKind(c.Body) {
		return true
	}
	if place, ok := c.Body.(orders.Place); ok && place.ProductID == target {
		return true
	}
	for _, e := range events {
		if e.User == target || eventMatches(e, target) {
			return true
		}
	}
	return false
}

// isOrderKind says that the entity of what is asked or has happened is a product or a payment.
func isOrderKind(body domain.Body) bool {
	name, _ := body.Type()
	kind := domain.Kind(name)
	return kind == "orders" || kind == "products"
}

// eventMatches looks for a coupon's id, a hold's or reservation's id, a product or payment, what was prepared of it, or a seat
// as "<schedule>:<scheduleSeatId>".
func eventMatches(e domain.Event, target string) bool {
	if e.Entity == target && isOrderKind(e.Body) {
		return true
	}
	schedule, seat, ok := strings.Cut(target, ":")
	for _, id := range seatsOf(e.Body) {
		if ok && e.Entity == schedule && fmt.Sprint(id) == seat {
			return true
		}
	}
	return slices.Contains(idsOf(e.Body), target)
}

func seatsOf(body domain.Body) []int {
	switch body := body.(type) {
	case seats.Held:
		return body.ScheduleSeatIDs
	case seats.Released:
		return body.ScheduleSeatIDs
	case seats.Reserved:
		return body.ScheduleSeatIDs
	case seats.Expired:
		return body.ScheduleSeatIDs
	case domain.Rejection:
		return body.ScheduleSeatIDs
	}
	return nil
}

func idsOf(body domain.Body) []string {
	switch body := body.(type) {
	case coupons.Issued:
		return []string{body.CouponID}
	case seats.Held:
		return []string{body.HoldID}
	case seats.Expired:
		return []string{body.HoldID}
	case seats.Reserved:
		return []string{body.ReservationID}
	case orders.Prepared:
		return []string{body.MerchantUID}
	case orders.Succeeded:
		return []string{body.ProductID, body.Payment.MerchantUID}
	case orders.Failed:
		return []string{body.ProductID, body.Payment.MerchantUID}
	case orders.Cancelled:
		return []string{body.ProductID}
	}
	return nil
}
