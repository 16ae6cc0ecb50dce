// The access log: a line for each response, for a stream at its end. It has the route, never the path, which may name a user;
// nothing in it says who asked, from where, or for what.

package http

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"onsale/http/sse"
)

// accessEntry is the line of one request, and the ResponseWriter that fills it.
type accessEntry struct {
	http.ResponseWriter
	logger   *slog.Logger
	start    time.Time
	id       string
	method   string
	route    string
	status   int
	bytes    int64
	hijacked bool // by a stream, which outlives its handler
}

// logAccess makes the entry of a request. The request is to be answered through it, and end is to be called then.
func (s *Server) logAccess(w http.ResponseWriter, r *http.Request) (*accessEntry, *http.Request) {
	e := &accessEntry{
		ResponseWriter: w, logger: s.Logger, start: time.Now(), id: w.Header().Get("X-Request-Id"),
		method: methodLabel(r.Method), route: unrouted, status: http.StatusOK,
	}
	return e, r.WithContext(sse.WithOnClose(r.Context(), e.write))
}

func (e *accessEntry) WriteHeader(status int) {
	if status >= 200 { // not an interim response
		e.status = status
	}
	e.ResponseWriter.WriteHeader(status)
}

func (e *accessEntry) Write(b []byte) (int, error) {
	n, err := e.ResponseWriter.Write(b)
	if e.method != http.MethodHead { // whose body net/http leaves out
		e.bytes += int64(n)
	}
	return n, err
}

func (e *accessEntry) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(e.ResponseWriter).Hijack()
	e.hijacked = e.hijacked || err == nil
	return conn, rw, err
}

func (e *accessEntry) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// end writes the line, unless that is left to the end of a stream.
func (e *accessEntry) end() {
	if !e.hijacked {
		e.write(e.bytes)
	}
	e.ResponseWriter = nil // a stream would keep it in memory
}

func (e *accessEntry) write(bytes int64) {
	e.logger.LogAttrs(context.Background(), slog.LevelInfo, "response", slog.String("id", e.id),
		slog.String("method", e.method), slog.String("route", e.route), slog.Int("status", e.status), slog.Int64("bytes", bytes),
		slog.Float64("duration_ms", float64(time.Since(e.start).Microseconds())/1000))
}

// setRoute names the route of the response, if there is an access log.
func setRoute(w http.ResponseWriter, pattern string) {
	if e, ok := w.(*accessEntry); ok {
		e.route = pattern
	}
}

// serverWriter is the server's own ResponseWriter, which http.MaxBytesReader needs.
func serverWriter(w http.ResponseWriter) http.ResponseWriter {
	if e, ok := w.(*accessEntry); ok {
		return e.ResponseWriter
	}
	return w
}
