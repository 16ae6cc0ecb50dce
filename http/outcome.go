// What is told of a decision: the result as the contract spells it, or the rejection with its code and figures.
package http

import (
	"encoding/json"
	"net/http"
	"strings"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections"
)

// succeeded is the answer to a command that had its way.
type succeeded struct {
	RequestID domain.RequestID `json:"requestId"`
	Status    string           `json:"status"`
	Sequence  uint64           `json:"sequence"`
	EventID   string           `json:"eventId"`
	Result    json.RawMessage  `json:"result"`
}

// tell answers with an outcome.
func (s *Server) tell(w http.ResponseWriter, o *projections.Outcome) error {
	no, err := rejection(o)
	if err != nil {
		return err
	}
	if no != nil {
		p := refuse(no.Code, "")
		p.Facts, p.Sequence, p.EventID = no.Facts, o.Sequence, s.position(o.Event)
		return p
	}
	result, err := result(o)
	if err != nil {
		return err
	}
	return sendJSON(w, statusOf(o.Type), succeeded{o.Request, "SUCCEEDED", o.Sequence, s.position(o.Event), result})
}

// rejection is why the command was refused; nil when it was not. A command on which the rules broke is refused too.
func rejection(o *projections.Outcome) (*domain.Rejection, error) {
	if o.Type == "system.dead" {
		return &domain.Rejection{Code: domain.Internal}, nil
	}
	if !strings.HasSuffix(o.Type, ".rejected") {
		return nil, nil
	}
	no := new(domain.Rejection)
	return no, json.Unmarshal(o.Data, no)
}

// statusOf is 201 for what made something that has an id, and 200 for everything else.
func statusOf(outcome string) int {
	switch outcome {
	case "coupons.created", "coupons.issued", "coupons.accepted", "products.created", "orders.placed",
		"seats.created", "seats.held", "seats.reserved", "seats.accepted", "alarms.sent":
		return http.StatusCreated
	}
	return http.StatusOK
}

// Results that say less than their event: what the command names is known to who sent it.
type (
	heldResult struct {
		HoldID          string           `json:"holdId"`
		ScheduleSeatIDs []int            `json:"scheduleSeatIds"`
		HeldSeats       []seats.HeldSeat `json:"heldSeats"`
		TotalPrice      int64            `json:"totalPrice"`
		ExpiresAt       domain.Time      `json:"expiresAt"`
		Now             domain.Time      `json:"now"`
		BestAvailable   *seats.Chosen    `json:"bestAvailable,omitempty"` // of seats that nobody named
	}
	reservedResult struct {
		ReservationID   string `json:"reservationId"`
		ScheduleSeatIDs []int  `json:"scheduleSeatIds"`
		TotalPrice      int64  `json:"totalPrice"`
	}
	releasedResult struct {
		ReleasedCount int `json:"releasedCount"`
	}
	extendedResult struct {
		HoldID    string      `json:"holdId"`
		ExpiresAt domain.Time `json:"expiresAt"`
		Now       domain.Time `json:"now"`
	}
	preparedResult struct {
		MerchantUID string `json:"merchant_uid"`
		Amount      int64  `json:"amount"`
	}
	placedResult struct {
		ImpUID      string        `json:"imp_uid"`
		OrderStatus orders.Status `json:"orderStatus"`
	}
	joinedResult struct {
		WaitingID string `json:"waitingId"`
		Position  int    `json:"position"`
	}
)

// result is what the contract shows of a success.
func result(o *projections.Outcome) (json.RawMessage, error) {
	var shown any
	switch o.Type {
	case "seats.held", "seats.swapped":
		shown = new(heldResult)
	case "seats.extended":
		shown = new(extendedResult)
	case "seats.reserved":
		shown = new(reservedResult)
	case "seats.released":
		shown = new(releasedResult)
	case "coupons.joined", "seats.joined":
		shown = new(joinedResult)
	case "products.prepared":
		shown = new(preparedResult)
	case "orders.placed":
		shown = &placedResult{OrderStatus: orders.Verifying}
	default:
		return o.Data, nil
	}
	if err := json.Unmarshal(o.Data, shown); err != nil {
		return nil, err
	}
	return json.Marshal(shown)
}
