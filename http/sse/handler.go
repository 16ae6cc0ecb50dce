// Requests for streams: the event loop takes their connections, or writes through the goroutines of their handlers.

package sse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"onsale/http/auth"
	"onsale/http/sse/evloop"
	"onsale/http/view"
)

// User serves the stream of a user's events.
func (h *Hub) User(w http.ResponseWriter, r *http.Request, who auth.Identity, user string) {
	h.serve(w, r, Topic{TopicUser, user}, cursor{audience: inLanguage(r, view.UserEvents)}, who.Expires)
}

// Alarms serves the stream of a user's alarms.
func (h *Hub) Alarms(w http.ResponseWriter, r *http.Request, who auth.Identity, user string) {
	h.serve(w, r, Topic{TopicUser, user}, cursor{audience: inLanguage(r, view.UserAlarms)}, who.Expires)
}

// Schedule serves the stream of a schedule's seats. The caller has checked that the schedule exists.
func (h *Hub) Schedule(w http.ResponseWriter, r *http.Request, _ auth.Identity, schedule string) {
	a := view.Audience{Content: view.Seats, Named: r.URL.Query().Get("events") == "named"}
	if strings.HasPrefix(r.URL.Path, "/api/schedules/") {
		a.Content = view.LegacySeats
	}
	h.serve(w, r, Topic{TopicSchedule, schedule}, cursor{audience: a}, never)
}

// inLanguage is the audience of a content in the language that the request names.
func inLanguage(r *http.Request, content view.Content) view.Audience {
	return view.Audience{Content: content, English: r.URL.Query().Get("lang") == "en"}
}

// never is when a stream that needs no identity expires.
var never time.Time

// serve serves a stream of a topic, for the audience in initial, to a client whose identity is valid until expires. The
// subscription is registered from the beginning, so that the loops are not stopped before it is closed.
func (h *Hub) serve(w http.ResponseWriter, r *http.Request, topic Topic, initial cursor, expires time.Time) {
	if r.Method == http.MethodHead { // a stream has no length
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	s := &subscription{hub: h, addr: auth.ClientAddress(r, h.TrustedProxies), cursor: initial, expires: expirySeconds(expires)}
	if s.isExpired() {
		h.Expired(w, r)
		return
	}
	setHeaders(w)
	engine := h.startEngine()
	if engine == nil {
		h.Reject(w, r)
		return
	}
	engine.Assign(&s.Conn, s)
	if !h.register(s, topic) {
		h.Reject(w, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)() // a closed hub delivers nothing more, so there is nothing to wait for
	start, err := h.startPosition(ctx, r, &s.cursor)
	if err != nil {
		h.unregister(s)
		if ctx.Err() == nil && err != errRetryLater {
			h.Logger.Error("cannot find the start of a stream", "error", err)
		}
		if r.Context().Err() == nil {
			h.Reject(w, r)
		}
		return
	}
	s.cursor.at = start.from
	ctx = r.Context()
	if engine.CanHijack(w, r) {
		conn, err := evloop.Hijack(w)
		if err != nil {
			h.unregister(s)
			h.Logger.Warn("cannot hijack a connection", "error", err)
			h.Reject(w, r)
			return
		}
		if err = s.Open(conn.Conn, conn.Head()); err == nil {
			s.onClose, _ = ctx.Value(onCloseKey{}).(func(int64))
			s.start(h.connectFrame(topic, start))
			return
		}
		h.Logger.Debug("connection is served by a goroutine", "error", err) // the listener wraps its connections
		defer conn.Close()
		_, _ = conn.Write(conn.Head())
		s.onClose, _ = ctx.Value(onCloseKey{}).(func(int64))
		w, ctx = conn, context.WithoutCancel(ctx)
	}
	writer := s.OpenWriter(w)
	s.start(h.connectFrame(topic, start))
	if err := writer.Run(ctx); errors.Is(err, http.ErrNotSupported) {
		h.logNoFlush.Do(func() {
			h.Logger.Error("streams cannot be served: a wrapper of http.ResponseWriter has neither Flush nor Unwrap",
				"writer", fmt.Sprintf("%T", w))
		})
	}
}

// setHeaders keeps proxies from buffering, caching or changing a stream.
func setHeaders(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
}

// intervals are the maximum age and the heartbeat of a kind of stream.
func (h *Hub) intervals(kind TopicKind) (maxAge, heartbeat time.Duration) {
	switch kind {
	case TopicUser, TopicFeed:
		return h.UserMaxAge, h.UserHeartbeat
	case TopicOrder:
		return h.ScheduleMaxAge, h.UserHeartbeat
	}
	return h.ScheduleMaxAge, h.ScheduleHeartbeat
}

// jittered is up to a fifth less.
func jittered(maxAge time.Duration) time.Duration { return maxAge - rand.N(maxAge/5+1) }

// retryDelay is how long a client waits before it reconnects, each another time.
func retryDelay() time.Duration {
	return 2*time.Second + rand.N(3*time.Second+time.Millisecond)
}

// startEngine starts the event loop with the first stream; nil: it was stopped before that.
func (h *Hub) startEngine() *evloop.Engine {
	h.engineOnce.Do(func() {
		c := evloop.Config{WriteTimeout: h.WriteTimeout, Written: &h.bytes}
		if h.EventLoop {
			var err error
			if c.Poller, err = h.newPoller(h.WriteTimeout); err != nil && !errors.Is(err, errors.ErrUnsupported) {
				h.Logger.Warn("epoll unavailable, using one goroutine per stream", "error", err)
			}
		}
		h.engine = evloop.New(c)
	})
	return h.engine
}

// stopEngine stops the event loop, if it was started. All subscriptions must be closed.
func (h *Hub) stopEngine() {
	h.engineOnce.Do(func() {}) // it will not be started any more
	if h.engine != nil {
		h.engine.Stop()
	}
}
