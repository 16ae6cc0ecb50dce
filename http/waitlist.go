// Waiting lists. The id of an entry says whether it waits for coupons ("<promotionId>-wc<n>") or for seats
// ("<scheduleId>-ws<n>").

package http

import (
	"net/http"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	"onsale/projections/store"
)

var (
	waitForCoupons = entityCommand("promotionId", func(o *object) validatedBody {
		return coupons.Join{Quantity: int(o.Integer("quantity", 1))}
	})
	waitForSeats = entityCommand("scheduleId", func(o *object) validatedBody {
		return seats.Join{Quantity: int(o.Integer("quantity", 1)), Section: textField(o, "section")}
	})

	leaveWaiting = waitingCommand(
		func(id string) domain.Body { return coupons.Leave{WaitingID: id} },
		func(id string) domain.Body { return seats.Leave{WaitingID: id} })
	acceptOffer = waitingCommand(
		func(id string) domain.Body { return coupons.Accept{WaitingID: id} },
		func(id string) domain.Body { return seats.Accept{WaitingID: id} })
	declineOffer = waitingCommand(
		func(id string) domain.Body { return coupons.Decline{WaitingID: id} },
		func(id string) domain.Body { return seats.Decline{WaitingID: id} })
)

// waitingCommand reads POST /api/v1/waiting/:waitingId/…. Any other id goes to the rules of coupons, which will not find it.
func waitingCommand(couponBody, seatBody func(id string) domain.Body) commandDecoder {
	return pathCommand(func(r *http.Request) (string, domain.Body, error) {
		id, err := generatedID(r, "waitingId")
		if schedule, sequence := splitID(id, "-ws"); sequence > 0 {
			return schedule, seatBody(id), err
		}
		promotion, _ := splitID(id, "-wc")
		return promotion, couponBody(id), err
	})
}

type waitingView struct {
	WaitingID       string      `json:"waitingId"`
	PromotionID     string      `json:"promotionId,omitempty"`
	ScheduleID      string      `json:"scheduleId,omitempty"`
	Section         string      `json:"section,omitempty"`
	Quantity        int         `json:"quantity"`
	Status          string      `json:"status"`
	Position        int         `json:"position,omitempty"`        // while WAITING; 1 is the next
	ExpiresAt       domain.Time `json:"expiresAt,omitzero"`        // of an offer
	ScheduleSeatIDs []int       `json:"scheduleSeatIds,omitempty"` // on offer
}

var myWaiting = userList((*store.View).Waiting, func(w store.WaitingEntry) waitingView {
	status := "WAITING"
	if w.ExpiresAt != 0 {
		status = "OFFERED"
	}
	return waitingView{w.WaitingID, w.PromotionID, w.ScheduleID, w.Section, w.Quantity, status, w.Position, w.ExpiresAt, w.ScheduleSeatIDs}
})
