// Handling a command: identify the request, append it once, and answer with its outcome or with 202.

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
	"onsale/http/auth"
	"onsale/projections"
)

// commandRequest is a command as read from path and body.
type commandRequest struct {
	entity      string // "": the user
	body        domain.Body
	canonical   string // the body as it was read, for the fingerprint
	admin       bool   // accepted also when there is no capacity for users
	row         access // also has to admit the user, because of what the body says; the zero value: none
	unavailable error  // why it cannot be appended, unless it was before; nil: it can
}

// commandDecoder reads a command from a request and validates its shape.
type commandDecoder func(w http.ResponseWriter, r *http.Request) (commandRequest, error)

const maxKeyLength = 255

// command is the handler of one kind of command. It waits for fallback without a Prefer header.
func (s *Server) command(fallback time.Duration, decode commandDecoder) handler {
	return func(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
		e, err := identifyRequest(w, r, who)
		if err != nil {
			return err
		}
		prefer := parsePrefer(r.Header["Prefer"])
		req, err := decode(w, r)
		if err == nil {
			err = s.checkRoles(who, req.row)
		}
		if err == nil {
			req.entity = cmp.Or(req.entity, who.User)
			e.fingerprint = domain.NewFingerprint(r.Method, canonicalPath(r.URL.Path), req.canonical)
			err = s.execute(w, r, e, req, prefer, fallback)
		}
		if err != nil {
			return e.problemFor(err)
		}
		return nil
	}
}

// problemFor is err with the id of the request.
func (e *inflightRequest) problemFor(err error) *problem {
	p := *problemOf(err) // a copy: requests that share an append share its error
	p.RequestID = e.request
	return &p
}

// identifyRequest determines the request id. Every response has it.
func identifyRequest(w http.ResponseWriter, r *http.Request, who auth.Identity) (*inflightRequest, error) {
	key, keyed, err := echoKey(w, r)
	if err != nil {
		return nil, err
	}
	e := &inflightRequest{request: domain.NewRequestID(who.User, key), user: who.User, keyed: keyed}
	if keyed {
		e.appended = make(chan struct{})
	}
	return e, nil
}

// echoKey is the idempotency key of a request, which every response to it echoes; if the client sent none, one is generated,
// with which it can retry.
func echoKey(w http.ResponseWriter, r *http.Request) (key string, keyed bool, err error) {
	keys, keyed := r.Header["Idempotency-Key"]
	if !keyed {
		keys = []string{rand.Text()}
	}
	if key = unquoteKey(keys[0]); len(keys) != 1 || !validKey(key) {
		return "", true, fieldProblem(invalidIdempotencyKey, "Idempotency-Key", "is not 1 to %d visible ASCII characters", maxKeyLength)
	}
	w.Header()["Idempotency-Key"] = keys
	return key, keyed, nil
}

// echoRefused echoes the key of a command that is refused before its user is known, with err, also if the key is invalid.
func echoRefused(w http.ResponseWriter, r *http.Request, err error) error {
	if r.Method == http.MethodPost {
		_, _, _ = echoKey(w, r)
	}
	return err
}

// refusedCommand is the error of a command that its route does not admit.
func refusedCommand(w http.ResponseWriter, r *http.Request, who auth.Identity, err error) error {
	key, _, keyErr := echoKey(w, r)
	switch {
	case keyErr != nil:
		return keyErr
	case who.User == "":
		return err
	}
	return (&inflightRequest{request: domain.NewRequestID(who.User, key)}).problemFor(err)
}

func validKey(key string) bool {
	invisible := func(c rune) bool { return c <= ' ' || c > '~' }
	return key != "" && len(key) <= maxKeyLength && !strings.ContainsFunc(key, invisible)
}

// unquoteKey is the key without the quotes in which the IETF draft spells it, as a string of RFC 9651: a client that changes its
// spelling sends the same key. Other texts that begin with a quote are keys as they are.
func unquoteKey(key string) string {
	if len(key) < 2 || key[0] != '"' || key[len(key)-1] != '"' {
		return key
	}
	inner := key[1 : len(key)-1]
	if !strings.ContainsAny(inner, `"\`) {
		return inner
	}
	unquoted := make([]byte, 0, len(inner))
	for i := 0; i < len(inner); i++ {
		switch c := inner[i]; {
		case c == '\\' && i+1 < len(inner) && (inner[i+1] == '\\' || inner[i+1] == '"'):
			i++
			unquoted = append(unquoted, inner[i])
		case c == '\\' || c == '"':
			return key
		default:
			unquoted = append(unquoted, c)
		}
	}
	return string(unquoted)
}

// canonicalPath is the current path for a path of older clients.
func canonicalPath(path string) string {
	if rest, legacy := strings.CutPrefix(path, "/api/schedules/"); legacy {
		return "/api/v1/schedules/" + rest
	}
	return path
}

var (
	errAlreadyDecided = errors.New("already decided")       // of a request whose outcome is in the store
	errOutcomeUnknown = error(problemf(outcomeUnknown, "")) // of a request whose append panicked
)

// execute answers the request with its outcome, or with 202 when there is none after the preferred wait.
func (s *Server) execute(w http.ResponseWriter, r *http.Request, e *inflightRequest, req commandRequest, prefer preference, fallback time.Duration) error {
	e, outcome, err := s.submit(r.Context(), e, req, prefer.waitOr(fallback))
	if err != nil {
		return err
	}
	if applied := prefer.applied(outcome == nil); applied != "" {
		w.Header()["Preference-Applied"] = []string{applied}
	}
	switch {
	case outcome == nil:
		s.respondAccepted(w, e)
		return nil
	case outcome.Sequence != e.sequence:
		w.Header()["Idempotent-Replayed"] = []string{"true"} // this is the outcome of an earlier request
	}
	return s.respondOutcome(w, outcome)
}

// submit appends the command once and waits for its outcome. If there is none after wait it is nil; then the command has
// the sequence of the returned request, which is an earlier one if this one is a duplicate.
func (s *Server) submit(ctx context.Context, e *inflightRequest, req commandRequest, wait time.Duration) (*inflightRequest, *domain.Event, error) {
	status := s.Projector.Status()
	if status.Halted != "" {
		return nil, nil, problemf(halted, "")
	}
	if err := s.refuseSoldOut(e, req); err != nil {
		return nil, nil, err
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
		// Whatever the error is, the command is durable: 202.
		if outcome, err := s.Projector.Await(ctx, e.request, e.sequence); err == nil && outcome.Request == e.request {
			return e, &outcome, nil
		}
	}
	return e, nil, nil
}

// appendOnce appends the command, unless the request has been decided: then it returns the outcome. Whatever happens, e
// does not stay in the table as one that is being appended.
func (s *Server) appendOnce(ctx context.Context, e *inflightRequest, req commandRequest, status projections.Status) (first *domain.Event, err error) {
	defer func() {
		switch {
		case e.sequence != 0: // appended
		case first != nil:
			s.inflight.abandon(e, errAlreadyDecided)
		default: // err, which is nil only during a panic
			s.inflight.abandon(e, cmp.Or(err, errOutcomeUnknown))
		}
	}()
	if e.keyed {
		if first, err = s.storedOutcome(e.request); first != nil || err != nil {
			return first, err
		}
	}
	if req.unavailable != nil {
		return nil, req.unavailable
	}
	if !req.admin {
		if err := s.checkCapacity(status); err != nil {
			return nil, err
		}
	}
	// An append is not cancelled when the client disconnects: it may read the outcome later.
	sequence, err := s.Append(context.WithoutCancel(ctx), domain.Command{
		Entity: req.entity, User: e.user, Request: e.request, Fingerprint: e.fingerprint, Body: req.body,
	})
	if err != nil {
		return nil, appendProblem(err)
	}
	// The command is durable. If this node stops here, the client gets the outcome by retrying with its key.
	s.metrics.accepted.Inc()
	s.inflight.appended(e, sequence, s.now())
	return nil, nil
}

// awaitAppend waits until the duplicate of this request that is in flight is appended, or returns its outcome.
func (s *Server) awaitAppend(ctx context.Context, existing *inflightRequest) (*domain.Event, error) {
	if first, err := s.storedOutcome(existing.request); first != nil || err != nil {
		return first, err
	}
	select {
	case <-existing.appended:
	case <-ctx.Done():
		return nil, problemf(outcomeUnknown, "")
	}
	if existing.err != errAlreadyDecided { // also nil: it is appended
		return nil, existing.err
	}
	first, err := s.storedOutcome(existing.request)
	if first == nil && err == nil {
		err = errors.New("a decided request is not in the store")
	}
	return first, err
}

// replayed returns the first outcome, if this is the same request. e keeps sequence 0.
func replayed(e *inflightRequest, first *domain.Event, err error) (*inflightRequest, *domain.Event, error) {
	if err == nil && first.Fingerprint != e.fingerprint {
		err = problemf(domain.RequestIDReused, "")
	}
	return e, first, err
}

// checkCapacity returns why users' commands are refused now, or nil.
func (s *Server) checkCapacity(status projections.Status) error {
	if s.CapacityProblem != nil {
		if code, reason := s.CapacityProblem(); code != "" {
			return problemf(code, "%s", reason)
		}
	}
	if s.inflight.refuses(status, s.now()) {
		return problemf(backlogFull, "")
	}
	return nil
}

// appendProblem is the problem of a failed append. After ErrFull, ErrClosed and ErrUnavailable nothing was stored; after any other
// error that is unknown. The idempotency key makes retrying safe in any case.
func appendProblem(err error) error {
	switch {
	case errors.Is(err, domain.ErrFull):
		return problemf(logFull, "")
	case errors.Is(err, domain.ErrClosed):
		return problemf(halted, "this node is shutting down; nothing was stored")
	}
	detail := ""
	if errors.Is(err, domain.ErrUnavailable) {
		detail = "the log is unavailable; nothing was stored, retry with the same key"
	}
	p := problemf(outcomeUnknown, detail)
	p.cause = err
	return p
}

// respondAccepted writes the 202. This is the hottest path, so its JSON is written by hand; no part needs escaping.
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
