// Expiry of identities. A stream that shows what only its user may see ends with the proof of who that is: its client is warned a
// minute before, so that it can get a new token, and at the end. Streams of schedules and promotions need no identity, so
// they do not expire.

package sse

import (
	"math"
	"net/http"
	"time"

	"onsale/domain"
	"onsale/http/view"
)

const (
	expiryWarning = time.Minute
	expiredRetry  = 30 * time.Second // a client that reconnects by itself may have a new token by then

	unauthenticated = "unauthenticated" // the code of the problem that a request without an id gets
)

// expirySeconds is t in seconds since 1970; 0: never.
func expirySeconds(t time.Time) uint32 {
	if t.IsZero() || t.Unix() > math.MaxUint32 {
		return 0
	}
	return uint32(max(1, t.Unix()))
}

// untilExpiry is how long the identity of the stream is still valid; false: it does not expire.
func (s *subscription) untilExpiry() (time.Duration, bool) {
	return time.Unix(int64(s.expires), 0).Sub(s.hub.Now()), s.expires != 0
}

// isExpired allows for a wall clock that is a little behind the timer which ends the stream.
func (s *subscription) isExpired() bool {
	left, expires := s.untilExpiry()
	return expires && left < time.Second/2
}

// appendExpiring warns that the stream ends soon. It has no id: the client's stays what it is, within an event too.
func (s *subscription) appendExpiring(b []byte) []byte {
	at := domain.At(time.Unix(int64(s.expires), 0))
	b = view.AppendField(b, "event", "auth-expiring")
	return append(append(b, `data: {"expiresAt":"`+at.String()+`"}`...), "\n\n"...)
}

// appendExpired is the end of a stream whose identity is not valid any more.
func appendExpired(b []byte) []byte {
	b = view.AppendField(b, "event", "auth-expired")
	b = append(b, "data: {\"code\":\""+unauthenticated+"\"}\n\n"...)
	return view.AppendRetry(b, expiredRetry)
}

// Reidentify ends the streams whose identity can expire, because what proved some of them is valid no more. Their clients come back
// within seconds, with the ids they have, and say anew who they are; without a valid identity they get auth-expired.
func (h *Hub) Reidentify() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	ended := 0
	for s := range h.subscriptions {
		if s.expires != 0 {
			s.closeGracefully(retryDelay())
			ended++
		}
	}
	h.Logger.Info("a key was withdrawn, streams end and are identified again", "streams", ended)
}

// Expired answers the request of a client that comes back to a stream without a valid identity. A status of 401 would make an
// EventSource give up, and its page could not see why. The client keeps the id it has.
func (h *Hub) Expired(w http.ResponseWriter, r *http.Request) {
	h.expired.Add(1)
	setHeaders(w)
	closeConnection(w, r)
	_, _ = w.Write(appendExpired(nil))
}
