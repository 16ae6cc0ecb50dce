// What all handlers share: request ids, path parameters, panics, and the functions that write responses and errors.

package http

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/julienschmidt/httprouter"

	"onsale/domain"
	"onsale/http/auth"
	"onsale/http/sse"
)

// handler answers a request that its route admits, or returns an error before it has written anything.
type handler func(w http.ResponseWriter, r *http.Request, who auth.Identity) error

// ServeHTTP assigns the request id, checks the origin, and routes the request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Request-Id"] = []string{s.requestID(r)}
	if r.ProtoMajor == 2 {
		bounded := s.bound(w, r)
		defer bounded.finish()
		w = bounded
	}
	if s.AccessLog {
		entry, logged := s.logAccess(w, r)
		defer entry.end()
		w, r = entry, logged
	}
	setSecurityHeaders(w.Header())
	defer func() {
		if value := recover(); value != nil {
			s.handlePanic(w, r, value)
		}
	}()
	if err := s.checkOrigin(w, r); err != nil {
		s.fail(w, r, echoRefused(w, r, cmp.Or(s.limit(w, r), err))) // it counts for its address like others
		return
	}
	s.router.ServeHTTP(w, r)
}

// requestID is the client's X-Request-Id if that is an id, or a new one.
func (s *Server) requestID(r *http.Request) string {
	if ids := r.Header["X-Request-Id"]; len(ids) == 1 && domain.CheckID(ids[0]) == nil {
		return ids[0]
	}
	return s.idPrefix + strconv.FormatUint(s.idCount.Add(1), 36)
}

func (s *Server) post(path string, row access, h handler) {
	s.handle(http.MethodPost, path, row, false, h)
}

// get adds HEAD too; net/http omits the body.
func (s *Server) get(path string, row access, h handler) {
	s.handle(http.MethodGet, path, row, false, h)
	s.handle(http.MethodHead, path, row, false, h)
}

// stream adds the route of an event stream. It has no HEAD.
func (s *Server) stream(path string, row access, h handler) {
	s.handle(http.MethodGet, path, row, true, func(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
		defer s.abortOnPanic(w, r)
		if bounded := boundedOf(w); bounded != nil {
			bounded.startStream()
		}
		return h(w, r, who)
	})
}

// handle adds a route. Path parameters are found by r.PathValue; an empty one gets 400. The duration of a stream is not
// measured, and its ResponseWriter is the server's own, because it may be hijacked.
func (s *Server) handle(method, path string, row access, stream bool, h handler) {
	s.endpoints = append(s.endpoints, Route{method, path, row.who, stream, row.public, row.anonymous})
	observe := s.metrics.route(method, path)
	s.router.Handle(method, path, func(w http.ResponseWriter, r *http.Request, params httprouter.Params) {
		setRoute(w, path)
		start, status := time.Now(), http.StatusInternalServerError // the status if h panics
		defer func() {
			duration := time.Since(start)
			if stream {
				duration = 0
			}
			observe(status, duration)
		}()
		if s.Trace != nil && method == http.MethodPost {
			ctx, end := s.Trace(r, path)
			defer func() { end(status) }()
			r = r.WithContext(ctx)
		}
		var recorder *statusRecorder
		if method != http.MethodPost && !stream { // http.MaxBytesReader needs the server's own ResponseWriter
			recorder = &statusRecorder{w, http.StatusOK}
			w = recorder
		}
		if r.Body == http.NoBody { // the request is read, and its client may wait for longer than the deadline of reading it
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		}
		err := s.limit(w, r)
		if err == nil {
			err = setPathValues(r, params)
		}
		switch {
		case err == nil:
			err = s.admitted(w, r, row, stream, h)
		case !row.public:
			err = echoRefused(w, r, err)
		}
		if err != nil && stream && !wantsLines(r) && problemOf(err).Code == rateLimited {
			s.metrics.refused.WithLabelValues(rateLimited).Inc()
			s.Streams.Reject(w, r) // after an error, an EventSource would never come back
			status = http.StatusOK
			return
		}
		switch {
		case err != nil:
			status = s.fail(w, r, err)
		case recorder != nil:
			status = recorder.status
		default:
			status = http.StatusOK // or another 2xx
		}
	})
}

// admitted calls h if the row admits the request, and the user has not sent too many. Who comes back to a stream without a valid
// identity gets auth-expired by a stream.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request, row access, stream bool, h handler) error {
	who, err := s.admit(r, row, stream)
	if err == nil {
		err = s.limitUser(r, row, who)
	}
	if err == nil {
		return h(w, r, who)
	}
	switch {
	case r.Method == http.MethodPost:
		return refusedCommand(w, r, who, err)
	case stream && !wantsLines(r) && sse.Resuming(r) && problemOf(err).Code == unauthenticated:
		s.Streams.Expired(w, r)
		return nil
	}
	return err
}

func setPathValues(r *http.Request, params httprouter.Params) error {
	for _, p := range params {
		if p.Value == "" {
			return fieldProblem(invalidID, p.Key, "is empty")
		}
		r.SetPathValue(p.Key, p.Value)
	}
	return nil
}

// handleNotFound answers requests that match no route. If only the last path parameter is missing, that is the problem.
func (s *Server) handleNotFound(w http.ResponseWriter, r *http.Request) {
	if err := s.limit(w, r); err != nil {
		s.metrics.countUnrouted(r.Method, s.fail(w, r, err))
		return
	}
	problem := problemf(notFound, "")
	if path := r.URL.Path; path[max(0, len(path)-1):] == "/" {
		if route, params, _ := s.router.Lookup(r.Method, path+"-"); route != nil && len(params) > 0 && params[len(params)-1].Value == "-" {
			problem = fieldProblem(invalidID, params[len(params)-1].Key, "is empty")
		}
	}
	s.metrics.countUnrouted(r.Method, s.fail(w, r, problem))
}

func (s *Server) handleMethodNotAllowed(w http.ResponseWriter, r *http.Request) {
	if err := s.limit(w, r); err != nil {
		s.metrics.countUnrouted(r.Method, s.fail(w, r, err))
		return
	}
	problem := problemf(methodNotAllowed, "this path accepts %s", w.Header().Get("Allow"))
	s.metrics.countUnrouted(r.Method, s.fail(w, r, problem))
}

// fail is the one place that answers errors: it writes err as a problem and returns the status. Internal errors are logged;
// the client gets no detail of them.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) (status int) {
	p := problemOf(err)
	if p.cause != nil {
		s.Logger.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("id", w.Header().Get("X-Request-Id")),
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("code", p.Code), slog.Any("error", p.cause))
	}
	if p.Sequence == 0 { // otherwise it is a rejection by the rules
		s.metrics.refused.WithLabelValues(p.Code).Inc()
	}
	if p.Code == unauthenticated {
		w.Header()["Www-Authenticate"] = []string{s.challenge(err)}
	}
	if seconds := cmp.Or(p.retryAfter, codes[p.Code].retryAfter); seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	w.Header()["Cache-Control"] = noStore // by default a cache may keep a 404 or a 405
	body, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	send(w, p.Status, problemType, body)
	return p.Status
}

// handlePanic answers for a handler that panicked. Nothing was written, since handlers write once, at their end; those that
// have written something panic with ErrAbortHandler, which closes the connection.
func (s *Server) handlePanic(w http.ResponseWriter, r *http.Request, value any) {
	if value == http.ErrAbortHandler {
		panic(value)
	}
	s.logPanic(w, r, value)
	s.fail(w, r, problemf(domain.Internal, ""))
}

// abortOnPanic closes the connection of a stream that panicked: half a stream cannot become a problem. The client
// reconnects.
func (s *Server) abortOnPanic(w http.ResponseWriter, r *http.Request) {
	value := recover()
	if value == nil {
		return
	}
	if value != http.ErrAbortHandler {
		s.logPanic(w, r, value)
	}
	panic(http.ErrAbortHandler)
}

func (s *Server) logPanic(w http.ResponseWriter, r *http.Request, value any) {
	s.Logger.LogAttrs(r.Context(), slog.LevelError, "handler panicked", slog.String("id", w.Header().Get("X-Request-Id")),
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
}

// Header values that many responses share; they are never modified.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
	noStore     = []string{"no-store"}
)

// A response that does not fit into the socket's buffers blocks until the client reads, but at most this long.
const (
	largeResponse        = 64 << 10
	largeResponseTimeout = time.Minute
)

// send writes a whole response.
func send(w http.ResponseWriter, status int, contentType []string, body []byte) {
	h := w.Header()
	h["Content-Type"] = contentType
	if len(body) > largeResponse {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	if len(body) > largeResponse { // until the next request of the connection, which has a deadline of its own
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(largeResponseTimeout)) // not every writer supports it
	}
	_, _ = w.Write(body) // the client may be gone
}

func sendJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	send(w, status, jsonType, body)
	return nil
}
