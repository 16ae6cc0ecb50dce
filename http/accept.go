// The way of a command through the door: is it the same request again; is there room; into the line; and then its outcome,
// or a 202 with the places where that will be told.
package http

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"onsale/domain"
	"onsale/projections"
)

var (
	errDecided = errors.New("decided already")     // ends an entry whose outcome the store has
	errLost    = error(refuse(outcomeUnknown, "")) // ends one whose append panicked; joiners are told a copy
)

// carryOut answers the request with its outcome, or with its place in line when that is all there is after wait.
func (s *Server) carryOut(w http.ResponseWriter, r *http.Request, e *entry, wish wish, wait time.Duration) error {
	e, outcome, err := s.submit(r.Context(), e, wish, wait)
	switch {
	case err != nil:
		return err
	case outcome == nil:
		s.accepted(w, e)
		return nil
	case outcome.Sequence != e.sequence:
		w.Header()["Idempotent-Replayed"] = []string{"true"} // it was first said before, or elsewhere
	}
	return s.tell(w, outcome)
}

// submit gives the outcome of the request, or nil when after wait there is only a place in line: that of the entry.
func (s *Server) submit(ctx context.Context, e *entry, wish wish, wait time.Duration) (*entry, *projections.Outcome, error) {
	status := s.Projector.Status()
	if status.Halted != "" {
		return nil, nil, refuse(halted, "")
	}
	e.position = status.Confirmed // read before the append, so that the outcome comes after it
	inside, full := s.door.enter(e, status)
	switch {
	case full:
		return nil, nil, refuse(backlogFull, "")
	case inside == nil:
		if first, err := s.putInLine(ctx, e, wish, status); first != nil || err != nil {
			return again(e, first, err)
		}
	case inside.fingerprint != e.fingerprint:
		return nil, nil, refuse(domain.RequestIDReused, "")
	default:
		if first, err := s.join(ctx, inside); first != nil || err != nil {
			return again(e, first, err)
		}
		e = inside
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

// putInLine appends the command, unless the request has been decided: then it gives the outcome. It leaves the door in
// order whatever happens.
func (s *Server) putInLine(ctx context.Context, e *entry, wish wish, status projections.Status) (outcome *projections.Outcome, err error) {
	var sequence uint64
	var reason error
	defer func() {
		if sequence == 0 {
			s.door.left(e, cmp.Or(reason, errLost))
		}
	}()
	if e.keyed {
		first, known, err := s.Projector.Request(e.request)
		if known {
			reason = errDecided
			return &first, nil
		}
		if err != nil {
			reason = err
			return nil, err
		}
	}
	if wish.refusal != nil {
		reason = wish.refusal
		return nil, reason
	}
	if !wish.admin {
		if err := s.noRoom(status); err != nil {
			reason = err
			return nil, err
		}
	}
	// Once on its way a command is not called back: a client that goes away here may ask later what became of it.
	n, err := s.Append(context.WithoutCancel(ctx), domain.Command{
		Entity: wish.entity, User: e.user, Request: e.request, Fingerprint: e.fingerprint, Body: wish.body,
	})
	if err != nil {
		reason = notAppended(err)
		return nil, reason
	}
	// The command is durable. Should this node stop here, the client asks again with its key and is told the outcome.
	s.door.accepted(e, n, s.now())
	sequence = n
	return nil, nil
}

// join waits until the same request, which is inside, stands in line.
func (s *Server) join(ctx context.Context, inside *entry) (*projections.Outcome, error) {
	first, known, err := s.Projector.Request(inside.request)
	if known {
		return &first, nil
	}
	if err != nil {
		return nil, err
	}
	select {
	case <-inside.appended:
	case <-ctx.Done():
		return nil, refuse(outcomeUnknown, "")
	}
	if inside.err != errDecided {
		return nil, inside.err
	}
	first, known, err = s.Projector.Request(inside.request)
	if err == nil && !known {
		err = errors.New("a decided request is not in the store")
	}
	return &first, err
}

// again gives what was decided the first time, if this is the same request. It has no place in line of its own.
func again(e *entry, first *projections.Outcome, err error) (*entry, *projections.Outcome, error) {
	if err == nil && first.Fingerprint != e.fingerprint {
		err = refuse(domain.RequestIDReused, "")
	}
	return e, first, err
}

// noRoom is why users' commands are refused now: nil, or one of the reasons to come back later.
func (s *Server) noRoom(status projections.Status) error {
	if s.Refusal != nil {
		if code, reason := s.Refusal(); code != "" {
			return refuse(code, "%s", reason)
		}
	}
	if s.MaxBacklogAge > 0 && s.door.oldest(status, s.now()) > s.MaxBacklogAge {
		return refuse(backlogFull, "")
	}
	return nil
}

// notAppended is what a client is told of an append that failed. Only where it is sure that nothing was stored may it say
// so; of everything else nobody knows, and the key makes asking again safe.
func notAppended(err error) error {
	switch {
	case errors.Is(err, domain.ErrFull):
		return refuse(logFull, "")
	case errors.Is(err, domain.ErrClosed):
		return refuse(halted, "this node is shutting down; nothing was stored")
	}
	p := refuse(outcomeUnknown, "")
	p.cause = err
	return p
}

// accepted writes the 202. It is on the hottest way there is, so its JSON is written by hand; no part needs escaping.
func (s *Server) accepted(w http.ResponseWriter, e *entry) {
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
