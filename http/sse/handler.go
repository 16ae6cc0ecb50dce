// Streams on goroutines of net/http: one each, which sleeps until its topic is woken, a heartbeat is due, or the stream ends.

package sse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"onsale/domain"
	"onsale/http/sse/evloop"
	"onsale/http/view"
)

// User serves the stream of a user's events.
func (h *Hub) User(w http.ResponseWriter, r *http.Request, user string) {
	h.serve(w, r, Topic{TopicUser, user}, cursor{audience: inLanguage(r, view.UserEvents)})
}

// Alarms serves the stream of a user's alarms.
func (h *Hub) Alarms(w http.ResponseWriter, r *http.Request, user string) {
	h.serve(w, r, Topic{TopicUser, user}, cursor{audience: inLanguage(r, view.UserAlarms)})
}

// Schedule serves the stream of a schedule's seats. The caller has checked that the schedule exists.
func (h *Hub) Schedule(w http.ResponseWriter, r *http.Request, schedule string) {
	a := view.Audience{Content: view.Seats, Named: r.URL.Query().Get("events") == "named"}
	if strings.HasPrefix(r.URL.Path, "/api/schedules/") {
		a.Content = view.LegacySeats
	}
	h.serve(w, r, Topic{TopicSchedule, schedule}, cursor{audience: a})
}

// inLanguage is the audience of a content in the language that the request names.
func inLanguage(r *http.Request, content view.Content) view.Audience {
	return view.Audience{Content: content, English: r.URL.Query().Get("lang") == "en"}
}

// serve serves a stream of a topic, for the audience in initial.
func (h *Hub) serve(w http.ResponseWriter, r *http.Request, topic Topic, initial cursor) {
	if r.Method == http.MethodHead { // a stream has no length
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	setHeaders(w)
	if evloop.CanHijack(w, r) && h.startEngine() != nil {
		h.serveSocket(w, r, topic, initial)
		return
	}
	h.serveGoroutine(w, r, topic, initial)
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
	case TopicUser:
		return h.UserMaxAge, h.UserHeartbeat
	case TopicOrder:
		return h.ScheduleMaxAge, h.UserHeartbeat
	}
	return h.ScheduleMaxAge, h.ScheduleHeartbeat
}

// jittered is up to a fifth less.
func jittered(maxAge time.Duration) time.Duration { return maxAge - rand.N(maxAge/5+1) }

// closeNotice ends a stream whose client shall reconnect, after retry.
type closeNotice struct{ retry time.Duration }

func (closeNotice) Error() string { return "stream ends" }

// retryDelay is how long a client waits before it reconnects, each another time.
func retryDelay() time.Duration {
	return 2*time.Second + rand.N(3*time.Second+time.Millisecond)
}

// conn is a stream that a goroutine serves.
type conn struct {
	hub      *Hub
	info     subscriptionInfo
	watcher  watcher // under the hub's lock
	cursor   cursor  // the goroutine's own
	observed observed

	ctx             context.Context
	cancel          context.CancelCauseFunc // with a closeNotice: the client shall reconnect
	heartbeatTicker *time.Ticker
	heartbeatDue    bool
	w               http.ResponseWriter
	rc              *http.ResponseController

	deadlineMu sync.Mutex
	closed     bool // write deadlines must not be set any more; guarded by deadlineMu
}

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
		_ = c.write(append(view.AppendRetry(nil, notice.retry), '\n')) // clients reconnect without it too
	}
}

func (c *conn) subscriptionInfo() *subscriptionInfo { return &c.info }
func (c *conn) closeGracefully(notice closeNotice)  { c.cancel(notice) }

// open writes the first frame.
func (c *conn) open(r *http.Request) error {
	start, err := c.hub.startPosition(c.ctx, r, &c.cursor)
	if err != nil {
		if c.ctx.Err() == nil && err != errRetryLater {
			c.hub.Log.Error("cannot find the start of a stream", "error", err)
		}
		c.cancel(closeNotice{retryDelay()})
		return err
	}
	c.cursor.at = start.from
	return c.write(c.hub.connectFrame(c.cursor.topic.key, start))
}

// buffers are for batches. Only a stream that has something to write holds one.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, batchSize+4<<10); return &b }}

// putBuffer returns a buffer that may have grown to out. One that grew very large is not kept.
func putBuffer(buffer *[]byte, out []byte) {
	if cap(out) <= 4*batchSize {
		*buffer = out
	}
	buffers.Put(buffer)
}

// step writes what there is, reads the log, or sleeps.
func (c *conn) step() error {
	buffer := buffers.Get().(*[]byte)
	out, result := c.hub.nextFrames(&c.cursor, (*buffer)[:0])
	err := c.write(out)
	putBuffer(buffer, out)
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
		c.heartbeatDue = true // written by the next step, which knows up to where nothing was missed
	case <-c.ctx.Done():
	}
	return nil
}

// catchUp reads the log up to and with event target, once there is a slot.
func (c *conn) catchUp(target uint64) error {
	defer c.observed.set(live)
	c.observed.set(queued)
	w := c.hub.catchUpSlots.acquire()
	if err := waitFor(c.ctx, w.ready, c.heartbeatTicker.C, c.writeHeartbeat); err != nil {
		c.hub.catchUpSlots.release(w)
		return err
	}
	c.observed.set(catchingUp)
	run := catchUp{hub: c.hub, ctx: c.ctx, cursor: c.cursor, fellBehind: c.cursor.wasCaughtUp, heartbeats: c.heartbeatTicker.C, writeHeartbeat: c.writeHeartbeat}
	run.write = func(b []byte) error {
		if len(b) == 0 {
			return nil
		}
		stallTimer := time.AfterFunc(stallLimit, run.cancel)
		defer stallTimer.Stop()
		c.cursor = run.cursor
		run.cursor.frameCount = 0
		return c.write(b)
	}
	err := run.run(w, target)
	c.cursor = run.cursor
	return err
}

// Writing to a client that may not be reading: every write has a deadline. What could not be written is not lost, because
// the client comes back with the id of the last whole frame that it got.

// write sends whole frames and returns when they have left the process.
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
			c.hub.logNoFlush.Do(func() {
				c.hub.Log.Error("streams cannot be served: a wrapper of http.ResponseWriter has neither Flush nor Unwrap",
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

// abort ends the stream at once, also within a write.
func (c *conn) abort() {
	c.cancel(nil)
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	if !c.closed {
		c.closed = true
		_ = c.rc.SetWriteDeadline(time.Unix(1, 0))
	}
}

// finish marks the connection as unusable: its handler returns.
func (c *conn) finish() {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	c.closed = true
}

// Heartbeats keep proxies from closing a quiet stream, let a page notice a dead one, and advance the id with which a quiet
// client comes back.

// checkHeartbeat notes a heartbeat that is due, without waiting.
func (c *conn) checkHeartbeat() {
	select {
	case <-c.heartbeatTicker.C:
		c.heartbeatDue = true
	default:
	}
}

func (c *conn) writeHeartbeat() error {
	c.heartbeatDue = false
	return c.write(c.hub.appendHeartbeat(nil, &c.cursor))
}

// appendHeartbeat says that nothing was missed up to the cursor. Within an event or a conflation it is only a comment, since
// its id would say that the rest was seen.
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
