// Outcomes: the response to a decided command, and the status of a request for clients that did not wait or lost it.

package http

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"onsale/domain"
	"onsale/http/auth"
)

// successResponse is the response to a command that succeeded.
type successResponse struct {
	RequestID domain.RequestID `json:"requestId"`
	Status    string           `json:"status"`
	Sequence  uint64           `json:"sequence"`
	EventID   string           `json:"eventId"`
	Result    any              `json:"result"`
}

// respondOutcome writes the result, or returns the rejection as a problem.
func (s *Server) respondOutcome(w http.ResponseWriter, e *domain.Event) error {
	if rejected := rejection(e); rejected != nil {
		p := problemf(rejected.Code, "")
		p.Details, p.Sequence, p.EventID = rejected.Details, e.Sequence, s.position(e.Number)
		return p
	}
	outcome, ok := e.Body.(domain.Outcome)
	if !ok {
		return fmt.Errorf("event %d is no outcome", e.Number)
	}
	status := http.StatusOK
	if _, created := outcome.(domain.Creation); created {
		status = http.StatusCreated
	}
	return sendJSON(w, status, successResponse{e.Request, "SUCCEEDED", e.Sequence, s.position(e.Number), outcome.Result()})
}

// rejection is the rejection of the command, or nil. A dead letter is one with code "internal".
func rejection(e *domain.Event) *domain.Rejection {
	switch body := e.Body.(type) {
	case domain.Rejection:
		return &body
	case domain.DeadLetter:
		return &domain.Rejection{Code: domain.Internal}
	}
	return nil
}

type requestView struct {
	RequestID domain.RequestID `json:"requestId"`
	Status    string           `json:"status"`
	Sequence  uint64           `json:"sequence"`
	EventID   string           `json:"eventId,omitempty"`
	Code      string           `json:"code,omitempty"`
	domain.Details
	Result    any         `json:"result,omitempty"`
	DecidedAt domain.Time `json:"decidedAt,omitzero"`
	// Estimates for a pending request, if known. Position 1 is decided next.
	Position             int   `json:"position,omitempty"`
	EstimatedWaitSeconds int64 `json:"estimatedWaitSeconds,omitempty"` // rounded up
}

// requestStatus answers GET /api/v1/requests/:requestId.
func (s *Server) requestStatus(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
	id, err := domain.ParseRequestID(r.PathValue("requestId"))
	if err != nil {
		return fieldProblem(invalidID, "requestId", "%s", err)
	}
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return err
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
	outcome, pending, err := s.findOutcome(r.Context(), who, id, sequence, wait)
	if err != nil {
		return err
	}
	if outcome == nil {
		return sendJSON(w, http.StatusOK, s.viewPending(id, pending))
	}
	if !maySee(who, outcome.User) {
		return problemf(forbidden, "")
	}
	return sendJSON(w, http.StatusOK, s.viewRequest(outcome))
}

// requestQuery reads ?sequence= (0: not given) and ?wait=.
func requestQuery(query url.Values) (sequence uint64, wait time.Duration, err error) {
	if query.Has("sequence") {
		if sequence, err = strconv.ParseUint(query.Get("sequence"), 10, 64); err != nil || sequence == 0 {
			return 0, 0, fieldProblem(invalidParameter, "sequence", "is not a sequence")
		}
	}
	wait, err = waitQuery(query)
	return sequence, wait, err
}

// waitQuery reads ?wait= (0: not given).
func waitQuery(query url.Values) (wait time.Duration, err error) {
	if !query.Has("wait") {
		return 0, nil
	}
	text := query.Get("wait")
	if _, atoiErr := strconv.Atoi(text); atoiErr == nil { // seconds, as in Prefer
		text += "s"
	}
	if wait, err = time.ParseDuration(text); err != nil || wait < 0 || wait > maxWait {
		return 0, fieldProblem(invalidParameter, "wait", "is not a duration of at most %s, like 10s", maxWait)
	}
	return wait, nil
}

// findOutcome is the outcome of a request, or nil and its sequence while it is pending. It returns request_not_found only when
// this node has decided everything that was accepted anywhere before the question.
func (s *Server) findOutcome(ctx context.Context, who auth.Identity, id domain.RequestID, sequence uint64, wait time.Duration) (o *domain.Event, pending uint64, err error) {
	if o, err := s.storedOutcome(id); o != nil || err != nil {
		return o, 0, err
	}
	if s.isolated() { // what is decided stays so, and anything else may have been decided since
		return nil, 0, s.notCaughtUpProblem()
	}
	if existing := s.inflight.find(id); existing != nil {
		if !maySee(who, existing.user) {
			return nil, 0, problemf(forbidden, "")
		}
		select {
		case <-existing.appended:
			sequence = max(sequence, existing.sequence)
		case <-ctx.Done():
			return nil, 0, problemf(notCaughtUp, "")
		}
	}
	accepted := s.inflight.hasAppended(sequence)
	if !accepted && sequence != 0 {
		barrier, cancel := context.WithTimeout(ctx, catchUpTimeout)
		defer cancel()
		if accepted, err = s.Projector.Accepted(barrier, sequence); err != nil {
			return nil, 0, s.notCaughtUpProblem()
		}
	}
	if accepted { // otherwise the log has lost it, or never had it
		o, decided, err := s.awaitOutcome(ctx, id, sequence, wait)
		if o != nil || err != nil || !decided {
			return o, sequence, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, max(wait, catchUpTimeout))
	defer cancel()
	if s.Projector.Barrier(ctx) != nil {
		return nil, 0, s.notCaughtUpProblem()
	}
	if o, err = s.storedOutcome(id); o == nil && err == nil {
		err = problemf(requestNotFound, "")
	}
	return o, 0, err
}

func (s *Server) storedOutcome(id domain.RequestID) (*domain.Event, error) {
	o, known, err := s.Projector.OutcomeOf(id)
	if !known {
		return nil, err
	}
	return &o, err
}

// awaitOutcome waits until the command at sequence is decided. The client may have sent a sequence of another request; then
// decided is true and there is no outcome.
func (s *Server) awaitOutcome(ctx context.Context, id domain.RequestID, sequence uint64, wait time.Duration) (o *domain.Event, decided bool, err error) {
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

func (s *Server) viewRequest(e *domain.Event) requestView {
	view := requestView{
		RequestID: e.Request, Status: "SUCCEEDED", Sequence: e.Sequence, EventID: s.position(e.Number), DecidedAt: e.Now,
	}
	if rejected := rejection(e); rejected != nil {
		view.Status, view.Code, view.Details = "REJECTED", rejected.Code, rejected.Details
	} else if outcome, ok := e.Body.(domain.Outcome); ok {
		view.Result = outcome.Result()
	}
	return view
}
