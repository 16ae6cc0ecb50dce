// What belongs to the user who asks.

package http

import (
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/projections"
)

type couponView struct {
	CouponID    string      `json:"couponId"`
	PromotionID string      `json:"promotionId"`
	Number      int         `json:"number"`
	Status      string      `json:"status"`
	IssuedAt    domain.Time `json:"issuedAt"`
}

func myCoupons(_ *http.Request, query url.Values, v *projections.View) (any, error) {
	page, err := pageByNumber(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Coupons(page.before, page.limit)
	return listOfUser(found, func(c projections.Coupon) couponView {
		return couponView{c.CouponID, c.PromotionID, c.Number, c.Status.String(), c.IssuedAt}
	}), err
}

type holdView struct {
	HoldID          string      `json:"holdId"`
	ScheduleID      string      `json:"scheduleId"`
	ScheduleSeatIDs []int       `json:"scheduleSeatIds"`
	TotalPrice      int64       `json:"totalPrice"`
	ExpiresAt       domain.Time `json:"expiresAt"`
}

func myHolds(_ *http.Request, query url.Values, v *projections.View) (any, error) {
	return holdsIn("", query, v)
}

func holdsInSchedule(r *http.Request, query url.Values, v *projections.View) (any, error) {
	s, err := findSchedule(r, v)
	if err != nil {
		return nil, err
	}
	return holdsIn(s.ScheduleID, query, v)
}

func holdsIn(schedule string, query url.Values, v *projections.View) (any, error) {
	page, err := pageByNumber(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Holds(schedule, page.before, page.limit)
	return listOfUser(found, func(h projections.Hold) holdView {
		return holdView{h.HoldID, h.ScheduleID, h.ScheduleSeatIDs, h.TotalPrice, h.ExpiresAt}
	}), err
}

type reservationView struct {
	ReservationID   string `json:"reservationId"`
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	TotalPrice      int64  `json:"totalPrice"`
	Status          string `json:"status"`
}

func myReservations(_ *http.Request, query url.Values, v *projections.View) (any, error) {
	page, err := pageByNumber(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Reservations(page.before, page.limit)
	return listOfUser(found, viewReservation), err
}

func viewReservation(r projections.Reservation) reservationView {
	status := "RESERVED"
	if r.Cancelled {
		status = "CANCELLED"
	}
	return reservationView{r.ReservationID, r.ScheduleID, r.ScheduleSeatIDs, r.TotalPrice, status}
}
