// Streams as net/http serves them: one goroutine each, which sleeps until its topic has news, a heartbeat is due, or the
// stream ends.
package stream

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"onsale/domain"
)

// conn is one open stream.
type conn struct {
	hub     *Hub
	watcher watcher // under the hub's lock
	cursor  cursor  // the handler's own

	ctx  context.Context
	end  context.CancelCauseFunc // with a farewell: the client shall come back
	beat *time.Ticker
	due  bool // a heartbeat
	w    http.ResponseWriter
	out  *http.ResponseController

	cutting sync.Mutex // write deadlines
	cut     bool       // nothing may be waited for any more
}

// farewell is why a stream ends that may come back: its client waits so long first.
type farewell struct{ retry time.Duration }

func (farewell) Error() string { return "the stream ends" }

// User serves the stream of what is decided for user and happens to them.
func (h *Hub) User(w http.ResponseWriter, r *http.Request, user string) {
	to := ownerKorean
	if r.URL.Query().Get("lang") == "en" {
		to = ownerEnglish
	}
	h.serve(w, r, Key{OfUser, user}, to, h.UserLife, h.UserHeartbeat)
}

// Schedule serves the stream of the seats of a schedule. Whether there is one the caller knows.
func (h *Hub) Schedule(w http.ResponseWriter, r *http.Request, schedule string) {
	to := public
	if r.URL.Query().Get("events") == "named" {
		to = publicNamed
	}
	h.serve(w, r, Key{OfSchedule, schedule}, to, h.ScheduleLife, h.ScheduleHeartbeat)
}

func (h *Hub) serve(w http.ResponseWriter, r *http.Request, key Key, to audience, life, heartbeat time.Duration) {
	if r.Method == http.MethodHead { // a stream has no end to measure
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	c := &conn{hub: h, cursor: cursor{audience: to}, w: w, out: http.NewResponseController(w)}
	c.ctx, c.end = context.WithCancelCause(r.Context())
	defer c.end(nil)
	if !h.watch(c, key) {
		h.Shed(w)
		return
	}
	prepare(w)
	_ = c.out.SetReadDeadline(time.Time{}) // the server's counts from the beginning of a request; a stream stays
	defer h.leave(c)
	defer c.finish()
	ending := time.AfterFunc(life-rand.N(life/5+1), func() { c.end(farewell{comeBack()}) })
	defer ending.Stop()
	c.beat = time.NewTicker(heartbeat)
	defer c.beat.Stop()

	err := c.open(r)
	for err == nil && c.ctx.Err() == nil {
		err = c.turn()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		h.slow.Add(1)
	}
	if bye, ok := errors.AsType[farewell](context.Cause(c.ctx)); ok {
		_ = c.write(append(appendRetry(nil, bye.retry), '\n')) // the client comes back without it too
	}
}

// open writes the first frame.
func (c *conn) open(r *http.Request) error {
	from, status, err := c.hub.start(c.ctx, r)
	if err != nil {
		if c.ctx.Err() == nil {
			c.hub.Log.Error("where to start a stream could not be read", "error", err)
		}
		c.end(farewell{comeBack()})
		return err
	}
	c.cursor.at = from
	return c.write(c.hub.greet(c.cursor.topic.key, from, status))
}

// buffers are for gathering batches; only a stream that has something to write holds one.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, batch+4<<10); return &b }}

// turn does the next thing: writes what there is, or reads the log, or sleeps.
func (c *conn) turn() error {
	buffer := buffers.Get().(*[]byte)
	out, step := c.hub.next(&c.cursor, (*buffer)[:0])
	err := c.write(out)
	*buffer = out
	buffers.Put(buffer)
	if err != nil {
		return err
	}
	if c.due {
		if err := c.heartbeat(); err != nil {
			return err
		}
	}
	switch step.state {
	case more:
		c.glance()
		return nil
	case behind:
		return c.catchUp(step.target)
	}
	select {
	case <-c.watcher.news:
	case <-c.beat.C:
		c.due = true // in the next turn, which knows up to where nothing was missed
	case <-c.ctx.Done():
	}
	return nil
}

// glance looks at the clock without sleeping.
func (c *conn) glance() {
	select {
	case <-c.beat.C:
		c.due = true
	default:
	}
}

// rest sleeps on the way to the log until there is something on ch, with heartbeats.
func (c *conn) rest(ch <-chan struct{}) error {
	for {
		select {
		case <-ch:
			return nil
		case <-c.beat.C:
			if err := c.heartbeat(); err != nil {
				return err
			}
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}

// heartbeat says that nothing was missed up to this stream's own position, so that a quiet reader's id keeps up. In the
// middle of an event it is only a comment, which keeps the connection open.
func (c *conn) heartbeat() error {
	c.due = false
	if c.cursor.at.Sub != 0 {
		return c.write([]byte(":\n\n"))
	}
	if c.cursor.topic.key.Kind == OfUser {
		b := appendField(nil, "event", "heartbeat")
		return c.write(append(appendID(b, c.hub.Epoch, c.cursor.at), "data:\n\n"...))
	}
	b := appendID(nil, c.hub.Epoch, c.cursor.at)
	b = append(b, `data: {"scheduleSeatId":-1,"status":null,"timestamp":"`...)
	b = append(b, domain.At(c.hub.Now()).String()...)
	return c.write(append(b, "\",\"isHeartbeat\":true}\n\n"...))
}
