// Streams as net/http serves them: one goroutine each, which sleeps until its topic has news, a heartbeat is due, or the
// stream ends.
package stream

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// conn is one open stream.
type conn struct {
	hub     *Hub
	place   place
	watcher watcher // under the hub's lock
	cursor  cursor  // the handler's own
	traces  traces

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
	h.serve(w, r, Key{OfUser, user}, cursor{audience: inLanguage(r, ownerKorean)})
}

// Alarms serves of the same stream only the alarms.
func (h *Hub) Alarms(w http.ResponseWriter, r *http.Request, user string) {
	h.serve(w, r, Key{OfUser, user}, cursor{audience: inLanguage(r, alarmsKorean)})
}

// inLanguage is the audience that reads what Koreans do, in the language that the request names.
func inLanguage(r *http.Request, korean audience) audience {
	if r.URL.Query().Get("lang") == "en" {
		return korean + 1
	}
	return korean
}

// Schedule serves the stream of the seats of a schedule. Whether there is one the caller knows.
func (h *Hub) Schedule(w http.ResponseWriter, r *http.Request, schedule string) {
	to := public
	if strings.HasPrefix(r.URL.Path, "/api/schedules/") {
		to = publicOld
	}
	if r.URL.Query().Get("events") == "named" {
		to++
	}
	h.serve(w, r, Key{OfSchedule, schedule}, cursor{audience: to})
}

// serve serves a stream of key, whose cursor has an audience.
func (h *Hub) serve(w http.ResponseWriter, r *http.Request, key Key, by cursor) {
	if r.Method == http.MethodHead { // a stream has no end to measure
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	prepare(w)
	if h.takes(w, r) {
		h.takeOver(w, r, key, by)
		return
	}
	h.attend(w, r, key, by)
}

// attend serves a stream in the goroutine that calls it.
func (h *Hub) attend(w http.ResponseWriter, r *http.Request, key Key, by cursor) {
	c := &conn{hub: h, place: place{from: addressOf(r)}, cursor: by, w: w, out: http.NewResponseController(w)}
	c.ctx, c.end = context.WithCancelCause(r.Context())
	defer c.end(nil)
	if !h.watch(c, key) {
		h.Shed(w, r)
		return
	}
	defer h.leave(c)
	defer c.finish()
	life, heartbeat := h.times(key.Kind)
	ending := time.AfterFunc(jittered(life), func() { c.dismiss(farewell{comeBack()}) })
	defer ending.Stop()
	c.beat = time.NewTicker(heartbeat)
	defer c.beat.Stop()

	err := c.open(r)
	c.traces.now(lives)
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

func (c *conn) at() *place         { return &c.place }
func (c *conn) dismiss(f farewell) { c.end(f) }

// open writes the first frame.
func (c *conn) open(r *http.Request) error {
	began, err := c.hub.begin(c.ctx, r, &c.cursor)
	if err != nil {
		if c.ctx.Err() == nil && err != errLater {
			c.hub.Log.Error("where to start a stream could not be read", "error", err)
		}
		c.end(farewell{comeBack()})
		return err
	}
	c.cursor.at = began.from
	return c.write(c.hub.greet(c.cursor.topic.key, began))
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
	case over:
		c.end(farewell{comeBack()})
		return nil
	}
	select {
	case <-c.watcher.news:
	case <-c.beat.C:
		c.due = true // in the next turn, which knows up to where nothing was missed
	case <-c.ctx.Done():
	}
	return nil
}
