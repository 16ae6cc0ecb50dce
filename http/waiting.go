// Waiting lists: getting in line for what may come back, and answering an offer. A place in a line has an id that says
// whether it waits for coupons ("<promotionId>-wc<n>") or for seats ("<scheduleId>-ws<n>").
package http

import (
	"net/http"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

var (
	waitForCoupons = about("promotionId", func(o *object) checked {
		return coupons.Join{Quantity: int(o.integer("quantity", 1))}
	})
	waitForSeats = about("scheduleId", func(o *object) checked {
		return seats.Join{Quantity: int(o.integer("quantity", 1)), Section: o.text("section")}
	})

	leaveWaiting = inWaiting(
		func(id string) domain.Body { return coupons.Leave{WaitingID: id} },
		func(id string) domain.Body { return seats.Leave{WaitingID: id} })
	acceptOffer = inWaiting(
		func(id string) domain.Body { return coupons.Accept{WaitingID: id} },
		func(id string) domain.Body { return seats.Accept{WaitingID: id} })
	declineOffer = inWaiting(
		func(id string) domain.Body { return coupons.Decline{WaitingID: id} },
		func(id string) domain.Body { return seats.Decline{WaitingID: id} })
)

// inWaiting reads POST /api/v1/waiting/:waitingId/…. An id that is of neither list goes to the rules of coupons, which
// find no such place.
func inWaiting(ofCoupons, ofSeats func(id string) domain.Body) wishReader {
	return bare(func(r *http.Request) (string, domain.Body, error) {
		id, err := madeID(r, "waitingId")
		if schedule, sequence := cutID(id, "-ws"); sequence > 0 {
			return schedule, ofSeats(id), err
		}
		promotion, _ := cutID(id, "-wc")
		return promotion, ofCoupons(id), err
	})
}
