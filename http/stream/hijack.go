// From net/http to the engine: what a connection must be like to be taken over, and the head of its answer, which net/http
// no longer writes.
package stream

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// takes says whether the engine can serve this request: one of HTTP/1.1 that is over, on a plain TCP connection.
func (h *Hub) takes(w http.ResponseWriter, r *http.Request) bool {
	_, tcp := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return tcp && r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.TLS == nil && r.ContentLength == 0 && hijacker(w) &&
		h.start().poller != nil
}

// hijacker says whether w, or what it wraps, can be hijacked.
func hijacker(w http.ResponseWriter) bool {
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

// takeOver makes a socket of the connection. What the client says from here on is not listened to. The hub knows of the
// socket from the beginning: its loops stay until it is closed.
func (h *Hub) takeOver(w http.ResponseWriter, r *http.Request, key Key, by cursor) {
	s := &socket{place: place{from: addressOf(r)}, cursor: by}
	s.loop = h.engine.loop()
	h.mu.Lock()
	entered := h.enter(s, key)
	h.mu.Unlock()
	if !entered {
		h.Shed(w, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.living, cancel)() // nobody waits for an event that this node will not tell
	s.cursor.topic = s.place.topic
	began, err := h.begin(ctx, r, &s.cursor)
	if err != nil {
		h.part(s)
		if ctx.Err() == nil && err != errLater {
			h.Log.Error("where to start a stream could not be read", "error", err)
		}
		if r.Context().Err() == nil {
			h.Shed(w, r)
		}
		return
	}
	s.cursor.at = began.from
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		h.part(s)
		h.Log.Warn("a connection could not be taken over", "error", err)
		h.Shed(w, r)
		return
	}
	s.rest = head(w.Header())
	if err := s.loop.poller.add(s, conn); err != nil {
		// A listener that wraps its connections: they are as good as any, but for this.
		h.part(s)
		h.Log.Debug("a connection is served by a goroutine", "error", err)
		defer conn.Close()
		_, _ = conn.Write(s.rest)
		h.attend(&answer{conn, w.Header()}, r.WithContext(context.WithoutCancel(r.Context())), key, by)
		return
	}
	s.loop.post(func() { s.begin(h.greet(key, began)) })
}

// head is that of an answer which ends with its connection.
func head(header http.Header) []byte {
	b := bytes.NewBufferString("HTTP/1.1 200 OK\r\nDate: " + time.Now().UTC().Format(http.TimeFormat) + "\r\nConnection: close\r\n")
	_ = header.WriteSubset(b, map[string]bool{"Date": true, "Connection": true, "Transfer-Encoding": true, "Content-Length": true})
	b.WriteString("\r\n")
	return b.Bytes()
}

// answer writes an answer whose head is out to its connection.
type answer struct {
	net.Conn
	header http.Header
}

func (c *answer) Header() http.Header { return c.header }
func (c *answer) WriteHeader(int)     {}
func (c *answer) Flush()              {}

// jittered is up to a fifth less.
func jittered(life time.Duration) time.Duration { return life - rand.N(life/5+1) }
