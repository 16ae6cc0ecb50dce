// Streams on the event loop: a cursor and the rest of the frame that did not fit. What a socket has not taken is asked of the
// cursor again when there is room. What the ring does not have is read by a goroutine, the catch-up task, which hands its
// batches to the loop.

package sse

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"onsale/http/sse/evloop"
	"onsale/http/view"
)

// socket is a stream that a loop serves. All of it belongs to the loop.
type socket struct {
	evloop.Conn
	hub    *Hub
	info   subscriptionInfo
	cursor cursor
	task   *catchUpTask // nil: the ring is enough

	fellBehind   bool // the socket was full since it was last up to date
	heartbeatDue bool
}

// startEngine starts the event loop with the first stream; nil: there is none.
func (h *Hub) startEngine() *evloop.Engine {
	h.engineOnce.Do(func() {
		if !h.EventLoop {
			return
		}
		engine, err := evloop.New(evloop.Config{WriteTimeout: h.WriteTimeout, Written: &h.bytes, NewPoller: h.newPoller})
		switch {
		case err == nil:
			h.engine = engine
		case !errors.Is(err, errors.ErrUnsupported):
			h.Log.Warn("epoll unavailable, using one goroutine per stream", "error", err)
		}
	})
	return h.engine
}

// stopEngine stops the event loop, if it was started. All sockets must be closed.
func (h *Hub) stopEngine() {
	h.engineOnce.Do(func() {}) // it will not be started any more
	if h.engine != nil {
		h.engine.Stop()
	}
}

// serveSocket takes the connection over from net/http. The socket is registered from the beginning, so that the loops are
// not stopped before it is closed.
func (h *Hub) serveSocket(w http.ResponseWriter, r *http.Request, topic Topic, initial cursor) {
	s := &socket{hub: h, info: subscriptionInfo{addr: addressOf(r)}, cursor: initial}
	h.engine.Assign(&s.Conn, s)
	h.mu.Lock()
	registered := h.register(s, topic)
	h.mu.Unlock()
	if !registered {
		h.Reject(w, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)() // a closed hub publishes nothing more, so there is nothing to wait for
	s.cursor.topic = s.info.topic
	start, err := h.startPosition(ctx, r, &s.cursor)
	if err != nil {
		h.removeSocket(s)
		if ctx.Err() == nil && err != errRetryLater {
			h.Log.Error("cannot find the start of a stream", "error", err)
		}
		if r.Context().Err() == nil {
			h.Reject(w, r)
		}
		return
	}
	s.cursor.at = start.from
	conn, err := evloop.Hijack(w)
	if err != nil {
		h.removeSocket(s)
		h.Log.Warn("cannot hijack a connection", "error", err)
		h.Reject(w, r)
		return
	}
	if err := s.Open(conn.Conn, conn.Head()); err != nil {
		// The listener wraps its connections: they are served as well, but by a goroutine.
		h.removeSocket(s)
		h.Log.Debug("connection is served by a goroutine", "error", err)
		defer conn.Close()
		_, _ = conn.Write(conn.Head())
		h.serveGoroutine(conn, r.WithContext(context.WithoutCancel(r.Context())), topic, initial)
		return
	}
	first := h.connectFrame(topic, start)
	s.Loop().Post(func() { s.start(first) })
}

func (s *socket) subscriptionInfo() *subscriptionInfo { return &s.info }

// start puts the socket among the subscribers of its topic and writes the first frame.
func (s *socket) start(first []byte) {
	h := s.hub
	h.mu.Lock()
	group := s.info.topic.groupOn(s.Loop())
	h.mu.Unlock()
	maxAge, heartbeat := h.intervals(s.info.topic.key.Kind)
	s.Start(group, first, jittered(maxAge), heartbeat)
}

func (s *socket) OnHeartbeat() { s.heartbeatDue = true }

// Step writes what there is, about a batch of it.
func (s *socket) Step() {
	if !s.flushTask() {
		return
	}
	h, from, shownVersions, result := s.hub, s.cursor.at, s.cursor.shownVersions, batchResult{}
	buffer := buffers.Get().(*[]byte)
	out := (*buffer)[:0]
	if s.heartbeatDue && s.cursor.at.Sub != 0 {
		s.heartbeatDue = false
		out = h.appendHeartbeat(out, &s.cursor)
	}
	if s.task == nil {
		out, result = h.nextFrames(&s.cursor, out)
	}
	framesEnd := len(out)
	if s.heartbeatDue { // by now it is known up to where nothing was missed
		out = h.appendHeartbeat(out, &s.cursor)
	}
	n := s.send(out, from)
	complete := n == len(out)
	putBuffer(buffer, out)
	if n == 0 { // nothing of a snapshot went out
		s.cursor.shownVersions = shownVersions
	}
	s.heartbeatDue = s.heartbeatDue && n <= framesEnd // nothing of it went out
	if !complete || s.task != nil || s.IsClosed() {
		return
	}
	switch result.state {
	case hasMore:
		s.Requeue()
	case needsHistory:
		s.startCatchUp(result.target)
	case caughtUp:
		s.fellBehind = false
	case done:
		s.Finish()
	}
}

// send writes a batch of the cursor, which began at from. If it does not fit, the rest of the frame that was begun is kept,
// and the cursor goes back to the end of that frame: all that follows is asked for again.
func (s *socket) send(out []byte, from view.Position) (n int) {
	if len(out) > 0 {
		n = s.write(out)
	}
	frames := s.cursor.frameCount
	if n < len(out) && !s.IsClosed() {
		var rest []byte
		rest, s.cursor.at, frames = splitAtFrame(out, n, from)
		s.Keep(rest)
	}
	s.countWritten(frames)
	return n
}

func (s *socket) write(b []byte) int {
	n := s.Write(b)
	s.fellBehind = s.fellBehind || n < len(b)
	return n
}

func (s *socket) countWritten(frames int) {
	s.hub.written.Add(uint64(frames))
	s.cursor.frameCount = 0
}

// Finish ends the stream with a retry delay.
func (s *socket) Finish() { s.closeWithNotice(closeNotice{retryDelay()}) }

// closeWithNotice writes the notice, if that fits between two frames, and closes.
func (s *socket) closeWithNotice(notice closeNotice) {
	if !s.BeginClose() {
		return
	}
	if s.Flush() && s.flushTask() {
		s.Write(append(view.AppendRetry(nil, notice.retry), '\n'))
	}
	s.Close()
}

// closeGracefully and abort may be called by any goroutine.
func (s *socket) closeGracefully(notice closeNotice) {
	s.Loop().Post(func() { s.closeWithNotice(notice) })
}
func (s *socket) abort() { s.Loop().Post(s.Close) }

func (s *socket) OnClose(err error) {
	if err == evloop.ErrWriteTimeout {
		s.hub.slow.Add(1)
	}
	if s.task != nil {
		s.task.stop(errClosed)
	}
	s.hub.removeSocket(s)
}

// splitAtFrame splits whole frames that were written up to byte n: the rest of the frame that contains n, the position
// behind that frame, which is the last id up to there, and the number of frames up to there. A client that is cut there
// comes back with the same position.
func splitAtFrame(out []byte, n int, from view.Position) (rest []byte, at view.Position, frames int) {
	end := 0
	if n > 0 {
		end = n
		if !bytes.HasSuffix(out[:n], frameEnd) {
			end = n - 1 + bytes.Index(out[n-1:], frameEnd) + len(frameEnd)
		}
		rest = bytes.Clone(out[n:end])
	}
	whole := out[:end]
	at = from
	if i := lastID(whole); i >= 0 {
		line := whole[i+len("id: "):]
		_, p, ok := view.ParsePosition(string(line[:bytes.IndexByte(line, '\n')]))
		if !ok {
			panic("sse: invalid id in a frame: " + string(line))
		}
		at = p
	}
	return rest, at, bytes.Count(whole, frameEnd)
}

var frameEnd = []byte("\n\n")

// lastID is the offset of the last id field. Lines of data cannot look like one: they begin with "data: ".
func lastID(frames []byte) int {
	if i := bytes.LastIndex(frames, []byte("\nid: ")); i >= 0 {
		return i + 1
	}
	if bytes.HasPrefix(frames, []byte("id: ")) {
		return 0
	}
	return -1
}
