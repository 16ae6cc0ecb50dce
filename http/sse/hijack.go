// From net/http to the engine: what a connection must be like to be taken over, and the head of its answer, which net/http
// no longer writes.

package sse

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// canHijack says whether the engine can serve this request: one of HTTP/1.1 that is over, on a plain TCP connection.
func (h *Hub) canHijack(w http.ResponseWriter, r *http.Request) bool {
	_, tcp := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return tcp && r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.TLS == nil && r.ContentLength == 0 && isHijacker(w) &&
		h.startEngine().poller != nil
}

// isHijacker says whether w, or what it wraps, can be hijacked.
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

// hijack makes a socket of the connection. What the client says from here on is not listened to. The hub knows of the
// socket from the beginning: its loops stay until it is closed.
func (h *Hub) hijack(w http.ResponseWriter, r *http.Request, topic Topic, initial cursor) {
	s := &socket{info: subscriptionInfo{addr: addressOf(r)}, cursor: initial}
	s.loop = h.engine.nextLoop()
	h.mu.Lock()
	registered := h.register(s, topic)
	h.mu.Unlock()
	if !registered {
		h.Reject(w, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)() // nobody waits for an event that this node will not tell
	s.cursor.topic = s.info.topic
	start, err := h.startPosition(ctx, r, &s.cursor)
	if err != nil {
		h.removeSocket(s)
		if ctx.Err() == nil && err != errRetryLater {
			h.Log.Error("where to start a stream could not be read", "error", err)
		}
		if r.Context().Err() == nil {
			h.Reject(w, r)
		}
		return
	}
	s.cursor.at = start.from
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		h.removeSocket(s)
		h.Log.Warn("a connection could not be taken over", "error", err)
		h.Reject(w, r)
		return
	}
	s.partial = responseHead(w.Header())
	if err := s.loop.poller.add(s, conn); err != nil {
		// A listener that wraps its connections: they are as good as any, but for this.
		h.removeSocket(s)
		h.Log.Debug("a connection is served by a goroutine", "error", err)
		defer conn.Close()
		_, _ = conn.Write(s.partial)
		h.serveGoroutine(&hijackedWriter{conn, w.Header()}, r.WithContext(context.WithoutCancel(r.Context())), topic, initial)
		return
	}
	s.loop.post(func() { s.attach(h.connectFrame(topic, start)) })
}

// responseHead is that of an answer which ends with its connection.
func responseHead(header http.Header) []byte {
	b := bytes.NewBufferString("HTTP/1.1 200 OK\r\nDate: " + time.Now().UTC().Format(http.TimeFormat) + "\r\nConnection: close\r\n")
	_ = header.WriteSubset(b, map[string]bool{"Date": true, "Connection": true, "Transfer-Encoding": true, "Content-Length": true})
	b.WriteString("\r\n")
	return b.Bytes()
}

// hijackedWriter writes an answer whose head is out to its connection.
type hijackedWriter struct {
	net.Conn
	header http.Header
}

func (c *hijackedWriter) Header() http.Header { return c.header }
func (c *hijackedWriter) WriteHeader(int)     {}
func (c *hijackedWriter) Flush()              {}

// jittered is up to a fifth less.
func jittered(maxAge time.Duration) time.Duration { return maxAge - rand.N(maxAge/5+1) }
