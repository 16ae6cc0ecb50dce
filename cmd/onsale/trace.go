// What a trace looks for in an event.

package main

import (
	"fmt"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// concerns says whether a command or what it led to has to do with a request, a user, a coupon or a seat ("demo:17").
func concerns(what string, c domain.Command, events []domain.Event) bool {
	if c.User == what || c.Request.String() == what {
		return true
	}
	for _, e := range events {
		if e.User == what || mentions(e, what) {
			return true
		}
	}
	return false
}

// mentions looks for a coupon's id, a hold's or reservation's id, or a seat as "<schedule>:<scheduleSeatId>".
func mentions(e domain.Event, what string) bool {
	schedule, seat, ok := strings.Cut(what, ":")
	for _, id := range seatsOf(e.Body) {
		if ok && e.Entity == schedule && fmt.Sprint(id) == seat {
			return true
		}
	}
	return slices.Contains(idsOf(e.Body), what)
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
	}
	return nil
}
