// Streams as net/http serves them: one goroutine each, which sleeps until its topic has news, a heartbeat is due, or the
// stream ends.

package sse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"onsale/http/view"
	"os"
	"strings"
	"sync"
	"time"

	"onsale/domain"
)

// conn is one open stream.
type conn struct {
	hub      *Hub
	info     subscriptionInfo
	watcher  watcher // under the hub's lock
	cursor   cursor  // the handler's own
	observed observed

	ctx             context.Context
	cancel          context.CancelCauseFunc // with a farewell: the client shall come back
	heartbeatTicker *time.Ticker
	heartbeatDue    bool // a heartbeat
	w               http.ResponseWriter
	rc              *http.ResponseController

	deadlineMu sync.Mutex // write deadlines
	closed     bool       // nothing may be waited for any more
}

// closeNotice is why a stream ends that may come back: its client waits so long first.
type closeNotice struct{ retry time.Duration }

func (closeNotice) Error() string { return "the stream ends" }

// User serves the stream of what is decided for user and happens to them.
func (h *Hub) User(w http.ResponseWriter, r *http.Request, user string) {
	h.serve(w, r, Topic{TopicUser, user}, cursor{audience: inLanguage(r, view.UserEvents)})
}

// Alarms serves of the same stream only the alarms.
func (h *Hub) Alarms(w http.ResponseWriter, r *http.Request, user string) {
	h.serve(w, r, Topic{TopicUser, user}, cursor{audience: inLanguage(r, view.UserAlarms)})
}

// inLanguage is the audience of a content in the language that the request names.
func inLanguage(r *http.Request, content view.Content) view.Audience {
	return view.Audience{Content: content, English: r.URL.Query().Get("lang") == "en"}
}

// Schedule serves the stream of the seats of a schedule. Whether there is one the caller knows.
func (h *Hub) Schedule(w http.ResponseWriter, r *http.Request, schedule string) {
	to := view.Audience{Content: view.Seats, Named: r.URL.Query().Get("events") == "named"}
	if strings.HasPrefix(r.URL.Path, "/api/schedules/") {
		to.Content = view.LegacySeats
	}
	h.serve(w, r, Topic{TopicSchedule, schedule}, cursor{audience: to})
}

// serve serves a stream of key, whose cursor has an audience.
func (h *Hub) serve(w http.ResponseWriter, r *http.Request, topic Topic, initial cursor) {
	if r.Method == http.MethodHead { // a stream has no end to measure
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	setHeaders(w)
	if h.canHijack(w, r) {
		h.hijack(w, r, topic, initial)
		return
	}
	h.serveGoroutine(w, r, topic, initial)
}

// serveGoroutine serves a stream in the goroutine that calls it.
func (h *Hub) serveGoroutine(w http.ResponseWriter, r *http.Request, topic Topic, initial cursor) {
	c := &conn{hub: h, info: subscriptionInfo{addr: addressOf(r)}, cursor: initial, w: w, rc: http.NewResponseController(w)}
	c.ctx, c.cancel = context.WithCancelCause(r.Context())
	defer c.cancel(nil)
	if !h.addWatcher(c, topic) {
		h.Reject(w, r)
		return
	}
	defer h.removeWatcher(c)
	defer c.finish()
	maxAge, heartbeat := h.intervals(topic.Kind)
	expiry := time.AfterFunc(jittered(maxAge), func() { c.closeGracefully(closeNotice{retryDelay()}) })
	defer expiry.Stop()
	c.heartbeatTicker = time.NewTicker(heartbeat)
	defer c.heartbeatTicker.Stop()

	err := c.open(r)
	c.observed.set(live)
	for err == nil && c.ctx.Err() == nil {
		err = c.step()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		h.slow.Add(1)
	}
	if notice, ok := errors.AsType[closeNotice](context.Cause(c.ctx)); ok {
		_ = c.write(append(view.AppendRetry(nil, notice.retry), '\n')) // the client comes back without it too
	}
}

func (c *conn) subscriptionInfo() *subscriptionInfo { return &c.info }
func (c *conn) closeGracefully(notice closeNotice)  { c.cancel(notice) }

// open writes the first frame.
func (c *conn) open(r *http.Request) error {
	start, err := c.hub.startPosition(c.ctx, r, &c.cursor)
	if err != nil {
		if c.ctx.Err() == nil && err != errRetryLater {
			c.hub.Log.Error("where to start a stream could not be read", "error", err)
		}
		c.cancel(closeNotice{retryDelay()})
		return err
	}
	c.cursor.at = start.from
	return c.write(c.hub.connectFrame(c.cursor.topic.key, start))
}

// buffers are for gathering batches; only a stream that has something to write holds one.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, batchSize+4<<10); return &b }}

// step does the next thing: writes what there is, or reads the log, or sleeps.
func (c *conn) step() error {
	buffer := buffers.Get().(*[]byte)
	out, result := c.hub.nextFrames(&c.cursor, (*buffer)[:0])
	err := c.write(out)
	*buffer = out
	buffers.Put(buffer)
	if err != nil {
		return err
	}
	if c.heartbeatDue {
		if err := c.writeHeartbeat(); err != nil {
			return err
		}
	}
	switch result.state {
	case hasMore:
		c.checkHeartbeat()
		return nil
	case needsHistory:
		return c.catchUp(result.target)
	case done:
		c.cancel(closeNotice{retryDelay()})
		return nil
	}
	select {
	case <-c.watcher.wakeup:
	case <-c.heartbeatTicker.C:
		c.heartbeatDue = true // in the next turn, which knows up to where nothing was missed
	case <-c.ctx.Done():
	}
	return nil
}

// Writing to a connection that may not be reading: every write has its own deadline, and what could not be written is not
// lost, as the client comes back with the id of the last frame that reached it whole.

// setHeaders sets the headers. Proxies must not buffer, cache or change a stream.
func setHeaders(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
}

// write sends whole frames and does not return before they left the process. Nothing is nothing to do.
func (c *conn) write(b []byte) error {
	if len(b) > 0 {
		previous := activity(c.observed.activity.Load())
		c.observed.set(writing)
		if err := c.send(b); err != nil {
			return err
		}
		c.observed.set(previous)
	}
	c.observed.seen.Store(c.cursor.at.Seen())
	return nil
}

func (c *conn) send(b []byte) error {
	if err := c.setDeadline(time.Now().Add(c.hub.WriteTimeout)); err != nil {
		return err
	}
	if _, err := c.w.Write(b); err != nil {
		return err
	}
	if err := c.rc.Flush(); err != nil {
		if errors.Is(err, http.ErrNotSupported) {
			c.hub.noFlushOnce.Do(func() {
				c.hub.Log.Error("no stream can be served: a wrapper around the http.ResponseWriter has neither Flush nor Unwrap",
					"writer", fmt.Sprintf("%T", c.w))
			})
		}
		return err
	}
	c.hub.bytes.Add(uint64(len(b)))
	c.hub.written.Add(uint64(c.cursor.frameCount))
	c.cursor.frameCount = 0
	return c.setDeadline(time.Time{}) // HTTP/2 ends a stream whose deadline passes while nothing is written
}

func (c *conn) setDeadline(t time.Time) error {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	if c.closed {
		return context.Canceled
	}
	if err := c.rc.SetWriteDeadline(t); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// abort ends the stream at once, whether it is in the middle of a write or not.
func (c *conn) abort() {
	c.cancel(nil)
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	if !c.closed {
		c.closed = true
		_ = c.rc.SetWriteDeadline(time.Unix(1, 0))
	}
}

// finish lets go of the connection: its handler returns, nobody else may touch it.
func (c *conn) finish() {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	c.closed = true
}

// Waiting, with heartbeats. They keep proxies from closing a quiet stream, let a page notice a dead one, and move the id
// that a quiet reader would come back with.

// checkHeartbeat looks at the clock without sleeping.
func (c *conn) checkHeartbeat() {
	select {
	case <-c.heartbeatTicker.C:
		c.heartbeatDue = true
	default:
	}
}

// waitWithHeartbeats sleeps on the way to the log until there is something on ch, with heartbeats.
func (c *conn) waitWithHeartbeats(ch <-chan struct{}) error {
	for {
		select {
		case <-ch:
			return nil
		case <-c.heartbeatTicker.C:
			if err := c.writeHeartbeat(); err != nil {
				return err
			}
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}

func (c *conn) writeHeartbeat() error {
	c.heartbeatDue = false
	return c.write(c.hub.appendHeartbeat(nil, &c.cursor))
}

// appendHeartbeat says that nothing was missed up to the stream's own position, so that a quiet reader's id keeps up. In the
// middle of an event or a burst it is only a comment, which keeps the connection open.
func (h *Hub) appendHeartbeat(b []byte, c *cursor) []byte {
	if c.at.Sub != 0 || c.midConflation {
		return append(b, ":\n\n"...)
	}
	if c.topic.key.Kind != TopicSchedule {
		b = view.AppendField(b, "event", "heartbeat")
		return append(view.AppendID(b, h.Epoch, c.at), "data:\n\n"...)
	}
	b = view.AppendID(b, h.Epoch, c.at)
	b = append(b, `data: {"scheduleSeatId":-1,"status":null,"timestamp":"`...)
	b = append(b, domain.At(h.Now()).String()...)
	return append(b, "\",\"isHeartbeat\":true}\n\n"...)
}
