// What users see of their reservations: of paid ones also the order, and what is refunded.

package http

import (
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/view"
	"onsale/projections/store"
)

type reservationView struct {
	ReservationID   string `json:"reservationId"`
	ScheduleID      string `json:"scheduleId"`
	ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
	TotalPrice      int64  `json:"totalPrice"`
	Status          string `json:"status"`
	*paidView
}

// paidView is what was paid for a reservation.
type paidView struct {
	ImpUID        string        `json:"imp_uid"`
	CouponID      string        `json:"couponId,omitempty"`
	Discount      int64         `json:"discount"`
	Amount        int64         `json:"amount"`
	OrderStatus   orders.Status `json:"orderStatus"`
	RefundAmount  *int64        `json:"refundAmount,omitempty"` // if the user cancels now, or where that is not refunded yet
	RefundPercent *int          `json:"refundPercent,omitempty"`
	Refunded      *int64        `json:"refunded,omitempty"`
	Note          string        `json:"note,omitempty"`
}

// myReservations answers GET /api/v1/me/reservations. A refund is that of the later of the two clocks: the log's time does not advance
// while nothing happens.
func (s *Server) myReservations(r *http.Request, query url.Values, v *store.View) (any, error) {
	now := max(v.Now(), domain.At(s.now()))
	return userList(func(v *store.View, before uint64, limit int) (store.Page[store.Reservation], error) {
		return v.Reservations(now, before, limit)
	}, viewReservation)(r, query, v)
}

func viewReservation(r store.Reservation) reservationView {
	v := reservationView{r.ReservationID, r.ScheduleID, r.ScheduleSeatIDs, r.TotalPrice, "RESERVED", nil}
	if r.Cancelled {
		v.Status = "CANCELLED"
	}
	if r.Order == nil {
		return v
	}
	o := view.NewOrder(*r.Order, false)
	v.paidView = &paidView{
		ImpUID: o.ImpUID, CouponID: o.CouponID, Discount: o.Discount, Amount: o.Amount, OrderStatus: o.OrderStatus,
		RefundPercent: r.RefundPercent, Refunded: o.Refunded, Note: o.Note,
	}
	switch {
	case r.RefundPercent != nil:
		v.RefundAmount = new(r.Order.RefundAmount(*r.RefundPercent))
	case r.Order.Status == orders.StatusRefunding:
		v.RefundAmount = new(r.Order.UnderRefund())
	}
	return v
}
