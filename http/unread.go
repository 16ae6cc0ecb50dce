// Responses over HTTP/2 that their client does not read. Over HTTP/1.1 each of them keeps a connection, and connections are
// bounded; over HTTP/2 a client says how much it takes of each response, so that some connections can keep thousands of them
// in memory. So they have less time, and there may be so many at a time, of one address and in all. Event streams are neither:
// they have deadlines and limits of their own.

package http

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"onsale/http/auth"
)

const (
	responseTimeout = 15 * time.Second // of a response's first bytes; send and exports give a large one more
	maxUnread       = 10_000           // responses over HTTP/2 that are not yet written
)

// unread counts the requests of HTTP/2 whose response is not yet written, those that wait for it too.
type unread struct {
	max, maxPerAddress int           // 0: no limit of one address
	timeout            time.Duration // responseTimeout

	mu        sync.Mutex
	all       int
	byAddress map[netip.Addr]int
}

// begin counts a request. full says that there are too many: it is to be refused. A client that reads no refusal either is
// aborted, once there are twice as many.
func (u *unread) begin(address netip.Addr) (full, abort bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all++
	full, abort = u.all > u.max, u.all > 2*u.max
	if u.maxPerAddress > 0 && address.IsValid() {
		u.byAddress[address]++
		n := u.byAddress[address]
		full, abort = full || n > u.maxPerAddress, abort || n > 2*u.maxPerAddress
	}
	return full, abort
}

func (u *unread) end(address netip.Addr) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all--
	if u.maxPerAddress > 0 && address.IsValid() {
		if u.byAddress[address]--; u.byAddress[address] == 0 {
			delete(u.byAddress, address)
		}
	}
}

// boundedResponse is a response over HTTP/2 that is counted, and has to be read in time.
type boundedResponse struct {
	http.ResponseWriter
	unread  *unread
	address netip.Addr // zero: only those in all count
	full    bool       // there are too many
	begun   bool
	stream  bool // it is a stream, neither counted nor timed
}

// bound counts a request. Requests from this machine count for no address, as with the rate limit.
func (s *Server) bound(w http.ResponseWriter, r *http.Request) *boundedResponse {
	b := &boundedResponse{ResponseWriter: w, unread: &s.unread}
	if s.unread.maxPerAddress > 0 && !s.sparesThisMachine(r) {
		b.address = auth.ClientAddress(r, s.TrustedProxies)
	}
	full, abort := s.unread.begin(b.address)
	if b.full = full; abort {
		s.unread.end(b.address)
		panic(http.ErrAbortHandler)
	}
	return b
}

// finish waits until the response is written, which net/http would do after the last handler has returned.
func (b *boundedResponse) finish() {
	if b.stream {
		return
	}
	defer b.unread.end(b.address)
	if b.begun {
		_ = http.NewResponseController(b.ResponseWriter).Flush() // the client may be gone
	}
}

func (b *boundedResponse) begin() {
	if !b.begun && !b.stream {
		_ = http.NewResponseController(b.ResponseWriter).SetWriteDeadline(time.Now().Add(b.unread.timeout)) // not every writer supports it
	}
	b.begun = true
}

func (b *boundedResponse) WriteHeader(status int) {
	b.begin()
	b.ResponseWriter.WriteHeader(status)
}

func (b *boundedResponse) Write(p []byte) (int, error) {
	b.begin()
	return b.ResponseWriter.Write(p)
}

func (b *boundedResponse) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// startStream leaves a response to its handler.
func (b *boundedResponse) startStream() {
	b.stream = true
	b.unread.end(b.address)
}

// boundedOf is the bounded response in w; nil: it is not one.
func boundedOf(w http.ResponseWriter) *boundedResponse {
	for {
		if b, ok := w.(*boundedResponse); ok {
			return b
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = wrapper.Unwrap()
	}
}
