// Taking a connection over from net/http.

package evloop

import (
	"bytes"
	"net"
	"net/http"
	"time"
)

// CanHijack reports whether a loop can serve the request: it is HTTP/1.1 without a body on a plain TCP connection.
func CanHijack(w http.ResponseWriter, r *http.Request) bool {
	_, tcp := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return tcp && r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.TLS == nil && r.ContentLength == 0 && isHijacker(w)
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
