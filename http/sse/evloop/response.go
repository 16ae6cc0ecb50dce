// The way from net/http to a loop: a plain connection is hijacked for the poller; any other (HTTP/2, TLS) keeps its handler's
// goroutine, which writes what the loop hands to it.

package evloop

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// CanHijack reports whether the poller can serve the request: it is HTTP/1.1 without a body on a plain TCP connection.
func (e *Engine) CanHijack(w http.ResponseWriter, r *http.Request) bool {
	_, tcp := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return e.Poller != nil && tcp && r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.TLS == nil && r.ContentLength == 0 && isHijacker(w)
}

// isHijacker reports whether w, or what it wraps, can be hijacked.
func isHijacker(w http.ResponseWriter) bool {
	for {
		switch v := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return false
		}
	}
}

// Hijacked is a connection that was taken over. It is an http.ResponseWriter behind Head, for a connection that no poller
// takes.
type Hijacked struct {
	net.Conn
	header http.Header
}

// Hijack takes over the connection of a response. Whatever the client sends from here on is ignored.
func Hijack(w http.ResponseWriter) (*Hijacked, error) {
	conn, _, err := http.NewResponseController(w).Hijack()
	return &Hijacked{conn, w.Header()}, err
}

// Head is the head of a response that ends with its connection.
func (h *Hijacked) Head() []byte {
	b := bytes.NewBufferString("HTTP/1.1 200 OK\r\nDate: " + time.Now().UTC().Format(http.TimeFormat) + "\r\nConnection: close\r\n")
	_ = h.header.WriteSubset(b, map[string]bool{"Date": true, "Connection": true, "Transfer-Encoding": true, "Content-Length": true})
	b.WriteString("\r\n")
	return b.Bytes()
}

func (h *Hijacked) Header() http.Header { return h.header }
func (h *Hijacked) WriteHeader(int)     {}
func (h *Hijacked) Flush()              {}

// Writer is a connection's way out through an http.ResponseWriter. It takes everything, and the connection is Blocked while
// it writes that.
type Writer struct {
	conn     *Conn
	response http.ResponseWriter
	rc       *http.ResponseController
	wakeup   chan struct{} // one slot
	closedBy error         // the loop's own

	mu       sync.Mutex
	out      []byte // to be written
	closed   bool   // nothing comes behind out
	returned bool   // the handler has: no deadline may be set any more
}

var past = time.Unix(1, 0)

// OpenWriter makes the connection write to w. Any goroutine may call it, once; it has to call Run then.
func (c *Conn) OpenWriter(w http.ResponseWriter) *Writer {
	writer := &Writer{conn: c, response: w, rc: http.NewResponseController(w), wakeup: make(chan struct{}, 1)}
	c.loop.Post(func() { c.writer = writer })
	return writer
}

// Run writes until the connection is closed, a write fails or ctx ends. The error is that of the write.
func (w *Writer) Run(ctx context.Context) error {
	defer w.conn.loop.Post(func() {
		w.conn.Close()
		w.conn.source.OnClose(w.closedBy)
	})
	err := w.run(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.returned = true
	if err == nil {
		_ = w.rc.SetWriteDeadline(time.Time{}) // the next request may have the same connection
	}
	return err
}

func (w *Writer) run(ctx context.Context) error {
	// The server's deadline counts from the start of the request. The loop has its own.
	if err := w.rc.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	for {
		select {
		case <-w.wakeup:
		case <-ctx.Done():
			return nil
		}
		w.mu.Lock()
		out, closed := w.out, w.closed
		w.out = nil
		w.mu.Unlock()
		if len(out) > 0 {
			if _, err := w.response.Write(out); err != nil {
				return err
			}
			if err := w.rc.Flush(); err != nil {
				return err
			}
		}
		if closed {
			return nil
		}
		w.conn.SocketReady(Writable)
	}
}

func (w *Writer) write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = append(w.out, b...)
	signal(w.wakeup)
	return len(b), ErrWouldBlock
}

// close makes Run return when everything is written, or at the deadline.
func (w *Writer) close(deadline time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if !w.returned {
		_ = w.rc.SetWriteDeadline(deadline)
	}
	signal(w.wakeup)
}
