// What a user is told about seats, and about waiting for them.
package stream

import (
	"onsale/domain"
	"onsale/domain/seats"
)

func seatNotice(body domain.Body) (notice, bool) {
	switch b := body.(type) {
	case seats.Held:
		return counted("hold-complete", b, words{count: len(b.ScheduleSeatIDs)}), true
	case seats.Accepted:
		return counted("hold-complete", b, words{count: len(b.ScheduleSeatIDs)}), true
	case seats.Swapped:
		return counted("hold-complete", b, words{count: len(b.ScheduleSeatIDs)}), true
	case seats.Extended:
		return notice{name: "hold-extended", text: "hold-extended", fields: b}, true
	case seats.Released:
		return counted("hold-released", b, words{count: b.ReleasedCount}), true
	case seats.Reserved:
		return counted("reserve-complete", b, words{count: len(b.ScheduleSeatIDs), reservationID: b.ReservationID}), true
	case seats.Cancelled:
		return counted("reservation-cancelled", b, words{count: len(b.ScheduleSeatIDs), reservationID: b.ReservationID}), true
	case seats.Expired:
		return counted("hold-expired", b, words{count: len(b.ScheduleSeatIDs)}), true
	case seats.Joined:
		return notice{name: "waiting", text: "waiting", words: words{position: b.Position}, fields: struct {
			Status string `json:"status"`
			seats.Joined
		}{isWaiting, b}}, true
	case seats.Left:
		return notice{name: "waiting", text: "waiting/left", fields: struct {
			Status string `json:"status"`
			seats.Left
		}{hasLeft, b}}, true
	case seats.Declined:
		return notice{name: "waiting", text: "waiting/declined", fields: struct {
			Status string `json:"status"`
			seats.Declined
		}{hasDeclined, b}}, true
	case seats.Offered:
		return counted("offer", b, words{count: len(b.ScheduleSeatIDs)}), true
	case seats.OfferExpired:
		return notice{name: "offer-expired", text: "offer-expired", fields: b}, true
	}
	return notice{}, false
}
