// Outcomes: the response to a decided command, and the status of a request for clients that did not wait or lost it.

package http

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections"
)

// successResponse is the response to a command that succeeded.
type successResponse struct {
	RequestID domain.RequestID `json:"requestId"`
	Status    string           `json:"status"`
	Sequence  uint64           `json:"sequence"`
	EventID   string           `json:"eventId"`
	Result    json.RawMessage  `json:"result"`
}

// respondOutcome writes the result, or returns the rejection as a problem.
func (s *Server) respondOutcome(w http.ResponseWriter, o *projections.Outcome) error {
	rejected, err := rejection(o)
	if err != nil {
		return err
	}
	if rejected != nil {
		p := problemf(rejected.Code, "")
		p.Details, p.Sequence, p.EventID = rejected.Details, o.Sequence, s.position(o.EventNumber)
		return p
	}
	result, err := resultBody(o)
	if err != nil {
		return err
	}
	return sendJSON(w, statusOf(o.Type), successResponse{o.Request, "SUCCEEDED", o.Sequence, s.position(o.EventNumber), result})
}

// rejection is the rejection of the command, or nil. A dead letter is one with code "internal".
func rejection(o *projections.Outcome) (*domain.Rejection, error) {
	if o.Type == "system.dead-letter" {
		return &domain.Rejection{Code: domain.Internal}, nil
	}
	if !strings.HasSuffix(o.Type, ".rejected") {
		return nil, nil
	}
	rejected := new(domain.Rejection)
	return rejected, json.Unmarshal(o.Data, rejected)
}

// statusOf is 201 for outcomes that created something with an id, otherwise 200.
func statusOf(outcome string) int {
	switch outcome {
	case "coupons.created", "coupons.issued", "coupons.accepted", "products.created", "orders.placed",
		"seats.created", "seats.held", "seats.reserved", "seats.accepted", "alarms.raise-done":
		return http.StatusCreated
	}
	return http.StatusOK
}

// Results with fewer fields than their event: the client knows what its command named.
type (
	heldResult struct {
		HoldID          string                     `json:"holdId"`
		ScheduleSeatIDs []int                      `json:"scheduleSeatIds"`
		HeldSeats       []seats.HeldSeat           `json:"heldSeats"`
		TotalPrice      int64                      `json:"totalPrice"`
		ExpiresAt       domain.Time                `json:"expiresAt"`
		Now             domain.Time                `json:"now"`
		BestAvailable   *seats.BestAvailableResult `json:"bestAvailable,omitempty"` // if the command did not name seats
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

// resultBody is the result of a success.
func resultBody(o *projections.Outcome) (json.RawMessage, error) {
	var view any
	switch o.Type {
	case "seats.held", "seats.swapped":
		view = new(heldResult)
	case "seats.extended":
		view = new(extendedResult)
	case "seats.reserved":
		view = new(reservedResult)
	case "seats.released":
		view = new(releasedResult)
	case "coupons.joined", "seats.joined":
		view = new(joinedResult)
	case "products.prepared":
		view = new(preparedResult)
	case "orders.placed":
		view = &placedResult{OrderStatus: orders.StatusVerifying}
	default:
		return o.Data, nil
	}
	if err := json.Unmarshal(o.Data, view); err != nil {
		return nil, err
	}
	return json.Marshal(view)
}

type requestView struct {
	RequestID domain.RequestID `json:"requestId"`
	Status    string           `json:"status"`
	Sequence  uint64           `json:"sequence"`
	EventID   string           `json:"eventId,omitempty"`
	Code      string           `json:"code,omitempty"`
	domain.Details
	Result    json.RawMessage `json:"result,omitempty"`
	DecidedAt domain.Time     `json:"decidedAt,omitzero"`
	// Estimates for a pending request, if known. Position 1 is decided next.
	Position             int   `json:"position,omitempty"`
	EstimatedWaitSeconds int64 `json:"estimatedWaitSeconds,omitempty"` // rounded up
}

// requestStatus answers GET /api/v1/requests/:requestId, for its user and admins.
func (s *Server) requestStatus(w http.ResponseWriter, r *http.Request) error {
	user, err := requireUser(r)
	if err != nil {
		return err
	}
	id, err := domain.ParseRequestID(r.PathValue("requestId"))
	if err != nil {
		return fieldProblem(invalidID, "requestId", "%s", err)
	}
	query := r.URL.Query()
	sequence, wait, err := requestQuery(query)
	if err != nil {
		return err
	}
	status := s.Projector.Status()
	if status.Halted != "" {
		return problemf(halted, "")
	}
	if err := s.waitForPosition(r.Context(), query); err != nil {
		return err
	}
	h := w.Header()
	h["Last-Event-Id"], h["Cache-Control"] = []string{s.position(status.Confirmed)}, noStore
	outcome, pending, err := s.findOutcome(r.Context(), user, id, sequence, wait)
	if err != nil {
		return err
	}
	if outcome == nil {
		return sendJSON(w, http.StatusOK, s.viewPending(id, pending))
	}
	if outcome.User != user && !isAdmin(user) {
		return problemf(forbidden, "")
	}
	view, err := s.viewRequest(outcome)
	if err != nil {
		return err
	}
	return sendJSON(w, http.StatusOK, view)
}

// requestQuery reads ?sequence= (0: not given) and ?wait=.
func requestQuery(query url.Values) (sequence uint64, wait time.Duration, err error) {
	if query.Has("sequence") {
		if sequence, err = strconv.ParseUint(query.Get("sequence"), 10, 64); err != nil || sequence == 0 {
			return 0, 0, fieldProblem(invalidParameter, "sequence", "is not a sequence")
		}
	}
	if query.Has("wait") {
		text := query.Get("wait")
		if _, atoiErr := strconv.Atoi(text); atoiErr == nil { // seconds, as in Prefer
			text += "s"
		}
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 || wait > maxWait {
			return 0, 0, fieldProblem(invalidParameter, "wait", "is not a duration of at most %s, like 10s", maxWait)
		}
	}
	return sequence, wait, nil
}

// findOutcome is the outcome of a request, or nil and its sequence while it is pending. It returns request_not_found only when
// this node has decided everything that was accepted up to now.
func (s *Server) findOutcome(ctx context.Context, user string, id domain.RequestID, sequence uint64, wait time.Duration) (o *projections.Outcome, pending uint64, err error) {
	if o, err := s.storedOutcome(id); o != nil || err != nil {
		return o, 0, err
	}
	if existing := s.inflight.find(id); existing != nil {
		if existing.user != user && !isAdmin(user) {
			return nil, 0, problemf(forbidden, "")
		}
		select {
		case <-existing.appended:
			sequence = max(sequence, existing.sequence)
		case <-ctx.Done():
			return nil, 0, problemf(notCaughtUp, "")
		}
	}
	if sequence != 0 {
		o, decided, err := s.awaitOutcome(ctx, id, sequence, wait)
		if o != nil || err != nil || !decided {
			return o, sequence, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, max(wait, catchUpTimeout))
	defer cancel()
	end, err := s.CommandsEnd(ctx)
	if err == nil {
		err = s.Projector.WaitDecided(ctx, end*domain.SequencesPerMessage)
	}
	if err != nil {
		return nil, 0, s.notCaughtUpProblem()
	}
	if o, err = s.storedOutcome(id); o == nil && err == nil {
		err = problemf(requestNotFound, "")
	}
	return o, 0, err
}

func (s *Server) storedOutcome(id domain.RequestID) (*projections.Outcome, error) {
	o, known, err := s.Projector.OutcomeOf(id)
	if !known {
		return nil, err
	}
	return &o, err
}

// awaitOutcome waits until the command at sequence is decided. The client may have sent a sequence of another request; then
// decided is true and there is no outcome.
func (s *Server) awaitOutcome(ctx context.Context, id domain.RequestID, sequence uint64, wait time.Duration) (o *projections.Outcome, decided bool, err error) {
	if wait == 0 {
		if s.Projector.Status().DecidedSequence < sequence {
			return nil, false, nil
		}
		wait = catchUpTimeout // it is decided, but perhaps not confirmed
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if s.Projector.WaitDecided(ctx, sequence) != nil {
		return nil, false, nil
	}
	o, err = s.storedOutcome(id)
	return o, true, err
}

func (s *Server) viewPending(id domain.RequestID, sequence uint64) requestView {
	view := requestView{RequestID: id, Status: "PENDING", Sequence: sequence}
	if estimate, known := s.Projector.QueueEstimate(sequence); known {
		view.Position, view.EstimatedWaitSeconds = estimate.Position, int64((estimate.Wait+time.Second-1)/time.Second)
	}
	return view
}

func (s *Server) viewRequest(o *projections.Outcome) (requestView, error) {
	view := requestView{
		RequestID: o.Request, Status: "SUCCEEDED", Sequence: o.Sequence, EventID: s.position(o.EventNumber), DecidedAt: o.At,
	}
	rejected, err := rejection(o)
	if err != nil {
		return view, err
	}
	if rejected != nil {
		view.Status, view.Code, view.Details = "REJECTED", rejected.Code, rejected.Details
		return view, nil
	}
	view.Result, err = resultBody(o)
	return view, err
}
