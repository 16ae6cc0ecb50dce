// One kind of handler, and the one place where its errors become answers.

package http

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/julienschmidt/httprouter"

	"onsale/domain"
)

// handler answers a request, or returns why not before it has written anything.
type handler func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP names the request, settles which origin may ask, and hands it to its route.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Request-Id"] = []string{s.requestID(r)}
	defer func() {
		if value := recover(); value != nil {
			s.handlePanic(w, r, value)
		}
	}()
	if err := s.checkOrigin(w, r); err != nil {
		s.fail(w, r, err)
		return
	}
	s.router.ServeHTTP(w, r)
}

// requestID is the caller's X-Request-Id where that is an id, or a new one.
func (s *Server) requestID(r *http.Request) string {
	if ids := r.Header["X-Request-Id"]; len(ids) == 1 && domain.CheckID(ids[0]) == nil {
		return ids[0]
	}
	return s.idPrefix + strconv.FormatUint(s.idCount.Add(1), 36)
}

// handle adds a route. Its path parameters are found by r.PathValue; an empty one is refused here.
func (s *Server) handle(method, path string, h handler) {
	s.router.Handle(method, path, func(w http.ResponseWriter, r *http.Request, params httprouter.Params) {
		for _, p := range params {
			if p.Value == "" {
				s.fail(w, r, fieldProblem(invalidID, p.Key, "is empty"))
				return
			}
			r.SetPathValue(p.Key, p.Value)
		}
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// fail answers with the problem that err is. Faults of ours are logged in full and told without detail.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.cause != nil {
		s.Logger.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("id", w.Header().Get("X-Request-Id")),
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("code", p.Code), slog.Any("error", p.cause))
	}
	if seconds := codes[p.Code].retryAfter; seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	send(w, p.Status, problemType, body)
}

// handlePanic answers for a handler that panicked. Nothing was written, since handlers write once, at their end; a stream
// (which says so by ErrAbortHandler) is cut.
func (s *Server) handlePanic(w http.ResponseWriter, r *http.Request, value any) {
	if value == http.ErrAbortHandler {
		panic(value)
	}
	s.Logger.LogAttrs(r.Context(), slog.LevelError, "handler panicked", slog.String("id", w.Header().Get("X-Request-Id")),
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
	s.fail(w, r, problemf(domain.Internal, ""))
}

// Values of headers that many answers share; nobody changes them.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
	noStore     = []string{"no-store"}
)

// An answer that does not fit into the buffers of a socket waits for its reader, but not for ever.
const (
	largeResponse        = 64 << 10
	largeResponseTimeout = time.Minute
)

// send writes one whole answer.
func send(w http.ResponseWriter, status int, contentType []string, body []byte) {
	h := w.Header()
	h["Content-Type"] = contentType
	if len(body) > largeResponse {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		connection := http.NewResponseController(w)
		_ = connection.SetWriteDeadline(time.Now().Add(largeResponseTimeout)) // not every writer has one
		defer connection.SetWriteDeadline(time.Time{})
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // who has gone away is not told
}

// sendJSON writes v.
func sendJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	send(w, status, jsonType, body)
	return nil
}
