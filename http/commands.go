// What all commands share: whose request it is, under which key, how long its sender wants to wait, and that every answer
// says so again.

package http

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"onsale/domain"
	"onsale/projections"
)

// commandRequest is what the path and the body of a command ask for.
type commandRequest struct {
	entity      string
	body        domain.Body
	canonical   string // the body as it was understood, for the fingerprint
	admin       bool   // goes in where users are kept out for want of room
	unavailable error  // why it is not taken, unless it was taken before; nil: it is
}

// commandDecoder takes the wish out of a request. Its errors are about shape.
type commandDecoder func(w http.ResponseWriter, r *http.Request) (commandRequest, error)

const maxKeyLength = 255

// command is the handler of one kind of command. It waits so long for the outcome unless asked otherwise; who does not say
// who they are is taken for nobody, or sent away when that is "".
func (s *Server) command(fallback time.Duration, anonymousAs string, decode commandDecoder) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		e, err := identifyRequest(w, r, anonymousAs)
		if err != nil {
			return err
		}
		wait := preferredWait(r.Header["Prefer"], fallback)
		req, err := decode(w, r)
		if err == nil {
			e.fingerprint = domain.NewFingerprint(r.Method, canonicalPath(r.URL.Path), req.canonical)
			err = s.execute(w, r, e, req, wait)
		}
		if err != nil {
			return e.problemFor(err)
		}
		return nil
	}
}

// problemFor is why the request was, under its name.
func (e *inflightRequest) problemFor(err error) *problem {
	p := *problemOf(err) // a copy: those who joined one append share its error
	p.RequestID = e.request
	return &p
}

// identifyRequest says whose request this is and names it. From here on every answer echoes the key; without one of the
// client's, a key is made, with which the client can ask again.
func identifyRequest(w http.ResponseWriter, r *http.Request, anonymousAs string) (*inflightRequest, error) {
	key, keyed := r.Header["Idempotency-Key"]
	if !keyed {
		key = []string{rand.Text()}
	} else if len(key) != 1 || !validKey(key[0]) {
		return nil, fieldProblem(invalidIdempotencyKey, "Idempotency-Key", "is not 1 to %d visible ASCII characters", maxKeyLength)
	}
	w.Header()["Idempotency-Key"] = key
	user, err := requestUser(r)
	if err != nil {
		return nil, err
	}
	if user = cmp.Or(user, anonymousAs); user == "" {
		return nil, problemf(unauthenticated, "")
	}
	e := &inflightRequest{request: domain.NewRequestID(user, key[0]), user: user, keyed: keyed}
	if keyed {
		e.appended = make(chan struct{})
	}
	return e, nil
}

func validKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return key != "" && len(key) <= maxKeyLength
}

// canonicalPath is the path under which old and new clients mean the same.
func canonicalPath(path string) string {
	if rest, legacy := strings.CutPrefix(path, "/api/schedules/"); legacy {
		return "/api/v1/schedules/" + rest
	}
	return path
}

// The way of a command through the door: is it the same request again; is there room; into the line; and then its outcome,
// or a 202 with the places where that will be told.

var (
	errAlreadyDecided = errors.New("decided already")       // ends an entry whose outcome the store has
	errOutcomeUnknown = error(problemf(outcomeUnknown, "")) // ends one whose append panicked; joiners are told a copy
)

// execute answers the request with its outcome, or with its place in line when that is all there is after wait.
func (s *Server) execute(w http.ResponseWriter, r *http.Request, e *inflightRequest, req commandRequest, wait time.Duration) error {
	e, outcome, err := s.submit(r.Context(), e, req, wait)
	switch {
	case err != nil:
		return err
	case outcome == nil:
		s.respondAccepted(w, e)
		return nil
	case outcome.Sequence != e.sequence:
		w.Header()["Idempotent-Replayed"] = []string{"true"} // it was first said before, or elsewhere
	}
	return s.respondOutcome(w, outcome)
}

// submit gives the outcome of the request, or nil when after wait there is only a place in line: that of the entry.
func (s *Server) submit(ctx context.Context, e *inflightRequest, req commandRequest, wait time.Duration) (*inflightRequest, *projections.Outcome, error) {
	status := s.Projector.Status()
	if status.Halted != "" {
		return nil, nil, problemf(halted, "")
	}
	e.position = status.Confirmed // read before the append, so that the outcome comes after it
	existing, full := s.inflight.begin(e, status)
	switch {
	case full:
		return nil, nil, problemf(backlogFull, "")
	case existing == nil:
		if first, err := s.appendOnce(ctx, e, req, status); first != nil || err != nil {
			return replayed(e, first, err)
		}
	case existing.fingerprint != e.fingerprint:
		return nil, nil, problemf(domain.RequestIDReused, "")
	default:
		if first, err := s.awaitAppend(ctx, existing); first != nil || err != nil {
			return replayed(e, first, err)
		}
		e = existing
	}
	if wait > 0 {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		// Whatever keeps the outcome from being told now: the command is durable, and that is what 202 says.
		if outcome, err := s.Projector.Await(ctx, e.request, e.sequence); err == nil && outcome.Request == e.request {
			return e, &outcome, nil
		}
	}
	return e, nil, nil
}

// appendOnce appends the command, unless the request has been decided: then it gives the outcome. It leaves the door in
// order whatever happens.
func (s *Server) appendOnce(ctx context.Context, e *inflightRequest, req commandRequest, status projections.Status) (outcome *projections.Outcome, err error) {
	var sequence uint64
	var reason error
	defer func() {
		if sequence == 0 {
			s.inflight.abandon(e, cmp.Or(reason, errOutcomeUnknown))
		}
	}()
	if e.keyed {
		first, known, err := s.Projector.OutcomeOf(e.request)
		if known {
			reason = errAlreadyDecided
			return &first, nil
		}
		if err != nil {
			reason = err
			return nil, err
		}
	}
	if req.unavailable != nil {
		reason = req.unavailable
		return nil, reason
	}
	if !req.admin {
		if err := s.checkCapacity(status); err != nil {
			reason = err
			return nil, err
		}
	}
	// Once on its way a command is not called back: a client that goes away here may ask later what became of it.
	n, err := s.Append(context.WithoutCancel(ctx), domain.Command{
		Entity: req.entity, User: e.user, Request: e.request, Fingerprint: e.fingerprint, Body: req.body,
	})
	if err != nil {
		reason = appendProblem(err)
		return nil, reason
	}
	// The command is durable. Should this node stop here, the client asks again with its key and is told the outcome.
	s.inflight.appended(e, n, s.now())
	sequence = n
	return nil, nil
}

// awaitAppend waits until the same request, which is inside, stands in line.
func (s *Server) awaitAppend(ctx context.Context, existing *inflightRequest) (*projections.Outcome, error) {
	first, known, err := s.Projector.OutcomeOf(existing.request)
	if known {
		return &first, nil
	}
	if err != nil {
		return nil, err
	}
	select {
	case <-existing.appended:
	case <-ctx.Done():
		return nil, problemf(outcomeUnknown, "")
	}
	if existing.err != errAlreadyDecided {
		return nil, existing.err
	}
	first, known, err = s.Projector.OutcomeOf(existing.request)
	if err == nil && !known {
		err = errors.New("a decided request is not in the store")
	}
	return &first, err
}

// replayed gives what was decided the first time, if this is the same request. It has no place in line of its own.
func replayed(e *inflightRequest, first *projections.Outcome, err error) (*inflightRequest, *projections.Outcome, error) {
	if err == nil && first.Fingerprint != e.fingerprint {
		err = problemf(domain.RequestIDReused, "")
	}
	return e, first, err
}

// checkCapacity is why users' commands are refused now: nil, or one of the reasons to come back later.
func (s *Server) checkCapacity(status projections.Status) error {
	if s.CapacityProblem != nil {
		if code, reason := s.CapacityProblem(); code != "" {
			return problemf(code, "%s", reason)
		}
	}
	if s.MaxBacklogAge > 0 && s.inflight.oldestAge(status, s.now()) > s.MaxBacklogAge {
		return problemf(backlogFull, "")
	}
	return nil
}

// appendProblem is what a client is told of an append that failed. Only where it is sure that nothing was stored may it say
// so; of everything else nobody knows, and the key makes asking again safe.
func appendProblem(err error) error {
	switch {
	case errors.Is(err, domain.ErrFull):
		return problemf(logFull, "")
	case errors.Is(err, domain.ErrClosed):
		return problemf(halted, "this node is shutting down; nothing was stored")
	}
	p := problemf(outcomeUnknown, "")
	p.cause = err
	return p
}

// respondAccepted writes the 202. It is on the hottest way there is, so its JSON is written by hand; no part needs escaping.
func (s *Server) respondAccepted(w http.ResponseWriter, e *inflightRequest) {
	position := s.position(e.position)
	request := "/api/v1/requests/" + e.request.String() + "?sequence=" + strconv.FormatUint(e.sequence, 10)
	b := make([]byte, 0, 384)
	b = append(b, `{"requestId":"`...)
	b = append(b, e.request[:]...)
	b = append(b, `","status":"ACCEPTED","sequence":`...)
	b = strconv.AppendUint(b, e.sequence, 10)
	b = append(b, `,"lastEventId":"`...)
	b = append(b, position...)
	b = append(b, `","links":{"request":"`...)
	b = append(b, request...)
	b = append(b, `","events":"/api/v1/me/events?lastEventId=`...)
	b = append(b, position...)
	b = append(b, `"}}`...)
	w.Header()["Location"] = []string{request}
	send(w, http.StatusAccepted, jsonType, b)
}
