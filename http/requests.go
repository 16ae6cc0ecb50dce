// What became of a request, for those who did not wait or lost the answer on the way.
package http

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"onsale/domain"
	"onsale/projections"
)

type requestView struct {
	RequestID domain.RequestID `json:"requestId"`
	Status    string           `json:"status"`
	Sequence  uint64           `json:"sequence"`
	EventID   string           `json:"eventId,omitempty"`
	Code      string           `json:"code,omitempty"`
	domain.Facts
	Result    json.RawMessage `json:"result,omitempty"`
	DecidedAt domain.Time     `json:"decidedAt,omitzero"`
	// Of one that is pending, where that is known; both are estimates. 1 is the next to be decided.
	Position             int   `json:"position,omitempty"`
	EstimatedWaitSeconds int64 `json:"estimatedWaitSeconds,omitempty"` // rounded up
}

// request answers GET /api/v1/requests/:requestId. Only its owner and admins see it.
func (s *Server) request(w http.ResponseWriter, r *http.Request) error {
	user, err := someone(r)
	if err != nil {
		return err
	}
	id, err := domain.ParseRequestID(r.PathValue("requestId"))
	if err != nil {
		return refuseField(invalidID, "requestId", "%s", err)
	}
	query := r.URL.Query()
	sequence, wait, err := requestQuery(query)
	if err != nil {
		return err
	}
	status := s.Projector.Status()
	if status.Halted != "" {
		return refuse(halted, "")
	}
	if err := s.catchUp(r.Context(), query); err != nil {
		return err
	}
	h := w.Header()
	h["Last-Event-Id"], h["Cache-Control"] = []string{s.position(status.Confirmed)}, noStore
	outcome, pending, err := s.find(r.Context(), user, id, sequence, wait)
	if err != nil {
		return err
	}
	if outcome == nil {
		return sendJSON(w, http.StatusOK, s.viewPending(id, pending))
	}
	if outcome.User != user && !isAdmin(user) {
		return refuse(forbidden, "")
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
			return 0, 0, refuseField(invalidParameter, "sequence", "is not a place in line")
		}
	}
	if query.Has("wait") {
		text := query.Get("wait")
		if _, bare := strconv.Atoi(text); bare == nil { // seconds, as in Prefer
			text += "s"
		}
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 || wait > maxWait {
			return 0, 0, refuseField(invalidParameter, "wait", "is not a time of at most %s, like 10s", maxWait)
		}
	}
	return sequence, wait, nil
}

// find is the outcome of a request, or nil and its place in line while it is pending. That there is no such request is
// said only when this node has decided everything that was accepted up to now.
func (s *Server) find(ctx context.Context, user string, id domain.RequestID, sequence uint64, wait time.Duration) (o *projections.Outcome, pending uint64, err error) {
	if o, err := s.known(id); o != nil || err != nil {
		return o, 0, err
	}
	if inside := s.door.find(id); inside != nil {
		if inside.user != user && !isAdmin(user) {
			return nil, 0, refuse(forbidden, "")
		}
		select {
		case <-inside.appended:
			sequence = max(sequence, inside.sequence)
		case <-ctx.Done():
			return nil, 0, refuse(notCaughtUp, "")
		}
	}
	if sequence != 0 {
		o, decided, err := s.decision(ctx, id, sequence, wait)
		if o != nil || err != nil || !decided {
			return o, sequence, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, max(wait, catchUpWithin))
	defer cancel()
	end, err := s.EndOfCommands(ctx)
	if err == nil {
		err = s.Projector.WaitDecided(ctx, end*domain.PlacesPerMessage)
	}
	if err != nil {
		return nil, 0, s.behind()
	}
	if o, err = s.known(id); o == nil && err == nil {
		err = refuse(requestNotFound, "")
	}
	return o, 0, err
}

func (s *Server) known(id domain.RequestID) (*projections.Outcome, error) {
	o, known, err := s.Projector.Request(id)
	if !known {
		return nil, err
	}
	return &o, err
}

// decision waits for what is decided at sequence, and says whether anything is. A client may have named a place that is
// another's; then the request is not known by it.
func (s *Server) decision(ctx context.Context, id domain.RequestID, sequence uint64, wait time.Duration) (o *projections.Outcome, decided bool, err error) {
	if wait == 0 {
		if s.Projector.Status().Decided < sequence {
			return nil, false, nil
		}
		wait = catchUpWithin // it is decided: what is missing is that it may be told
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if s.Projector.WaitDecided(ctx, sequence) != nil {
		return nil, false, nil
	}
	o, err = s.known(id)
	return o, true, err
}

func (s *Server) viewPending(id domain.RequestID, sequence uint64) requestView {
	view := requestView{RequestID: id, Status: "PENDING", Sequence: sequence}
	if turn, known := s.Projector.Turn(sequence); known {
		view.Position, view.EstimatedWaitSeconds = turn.Position, int64((turn.Wait+time.Second-1)/time.Second)
	}
	return view
}

func (s *Server) viewRequest(o *projections.Outcome) (requestView, error) {
	view := requestView{
		RequestID: o.Request, Status: "SUCCEEDED", Sequence: o.Sequence, EventID: s.position(o.Event), DecidedAt: o.At,
	}
	no, err := rejection(o)
	if err != nil {
		return view, err
	}
	if no != nil {
		view.Status, view.Code, view.Facts = "REJECTED", no.Code, no.Facts
		return view, nil
	}
	view.Result, err = result(o)
	return view, err
}
