// A socket is a stream without a goroutine: a connection, a cursor, and the rest of the frame that did not fit. All of it
// belongs to its loop. Nothing is queued for it: what it has not taken is asked of the cursor again when it can take more.

package sse

import (
	"bytes"
	"onsale/http/view"
	"time"
)

type socket struct {
	loop        *loop
	subscribers *loopSubscribers
	info        subscriptionInfo
	cursor      cursor
	partial     []byte       // of the last frame that was begun: it goes out first, and the cursor is behind it
	catchUp     *catchUpTask // reads the log for it; nil: the ring is enough

	slot                          slot   // in the wheel
	heartbeatAt, expiresAt        uint32 // when the next heartbeat and the end are due
	writeDeadline                 uint32 // when it is given up; 0: it takes what it gets
	index                         int32  // in crowd.sockets
	fd, number                    int32  // the poller's
	blocked, fellBehind, requeued bool   // nothing can be written now; it was full since it was last up to date; it is in loop.again
	heartbeatDue                  bool   // a heartbeat is due
	attached, closing             bool   // it has a connection; it shall end
	closed                        bool
}

func (s *socket) subscriptionInfo() *subscriptionInfo { return &s.info }

// attach is its first turn. What stands in rest, the head of the answer, goes out in it, and the first frame.
func (s *socket) attach(connectFrame []byte) {
	l, h := s.loop, s.loop.hub
	s.attached = true
	if s.closing {
		s.closeWithNotice(closeNotice{retryDelay()})
		return
	}
	s.partial = append(s.partial, connectFrame...)
	h.mu.Lock()
	s.subscribers = s.info.topic.subscribersOn(l)
	h.mu.Unlock()
	s.index = int32(len(s.subscribers.sockets))
	s.subscribers.sockets = append(s.subscribers.sockets, s)
	maxAge, heartbeat := h.intervals(s.info.topic.key.Kind)
	s.expiresAt, s.heartbeatAt = l.tickAfter(jittered(maxAge)), l.tickAfter(heartbeat)
	s.step()
	s.schedule()
}

// onReady is after the poller said something.
func (s *socket) onReady(events ready) {
	if s.closed {
		return
	}
	if !s.attached {
		s.closing = s.closing || events&gone != 0
		return
	}
	if events&gone != 0 || events&readable != 0 && s.loop.poller.discard(s) != nil {
		s.close()
		return
	}
	if events&writable != 0 && s.blocked {
		s.blocked = false
		s.step()
		s.schedule()
	}
}

// step writes what there is, about a batch of it.
func (s *socket) step() {
	if s.closed || !s.flush() {
		return
	}
	l, h, from, shownVersions, result := s.loop, s.loop.hub, s.cursor.at, s.cursor.shownVersions, batchResult{}
	out := l.out[:0]
	if s.heartbeatDue && s.cursor.at.Sub != 0 {
		s.heartbeatDue = false
		out = h.appendHeartbeat(out, &s.cursor)
	}
	if s.catchUp == nil {
		out, result = h.nextFrames(&s.cursor, out)
	}
	framesEnd := len(out)
	if s.heartbeatDue { // by now it is known up to where nothing was missed
		out = h.appendHeartbeat(out, &s.cursor)
	}
	if cap(out) <= 4*batchSize {
		l.out = out
	}
	n := s.send(out, from)
	if n == 0 { // nothing of a sheet went out
		s.cursor.shownVersions = shownVersions
	}
	s.heartbeatDue = s.heartbeatDue && n <= framesEnd // nothing of it went out
	if n < len(out) || s.catchUp != nil || s.closed {
		return
	}
	switch result.state {
	case hasMore:
		if !s.requeued {
			s.requeued = true
			l.requeued = append(l.requeued, s)
		}
	case needsHistory:
		s.startCatchUp(result.target)
	case caughtUp:
		s.fellBehind = false
	case done:
		s.closeWithNotice(closeNotice{retryDelay()})
	}
}

// flush writes what was begun. It is false when not all of it went out.
func (s *socket) flush() bool {
	if s.blocked {
		return false
	}
	if len(s.partial) > 0 {
		n := s.write(s.partial)
		if s.closed {
			return false
		}
		if s.partial = s.partial[n:]; len(s.partial) > 0 {
			return false
		}
		s.partial = nil
	}
	if p := s.catchUp; p != nil && p.out != nil {
		if p.sent += s.write(p.out[p.sent:]); p.sent < len(p.out) || s.closed {
			return false
		}
		p.batchWritten(nil)
	}
	return true
}

// send writes a batch that the cursor gave, beginning at from. When it does not fit, the frame that is cut is kept, and the
// cursor goes back behind it: all else is asked for again.
func (s *socket) send(out []byte, from view.Position) (n int) {
	if len(out) > 0 {
		n = s.write(out)
	}
	frames := s.cursor.frameCount
	if n < len(out) && !s.closed {
		s.partial, s.cursor.at, frames = splitAtFrame(out, n, from)
	}
	s.countWritten(frames)
	return n
}

func (s *socket) countWritten(frames int) {
	s.loop.hub.written.Add(uint64(frames))
	s.cursor.frameCount = 0
}

// write hands bytes to the kernel and says how many it took. When that is not all, the poller says when to go on.
func (s *socket) write(b []byte) int {
	n, err := s.loop.poller.write(s, b)
	s.loop.hub.bytes.Add(uint64(n))
	switch {
	case err != nil && err != errWouldBlock:
		s.close()
	case n < len(b):
		s.blocked, s.fellBehind = true, true
		s.writeDeadline = s.loop.tickAfter(s.loop.hub.WriteTimeout)
		s.schedule()
	default:
		s.writeDeadline = 0
	}
	return n
}

// splitAtFrame divides whole frames that were written up to byte n only: the rest of the frame in which that is, and the position
// behind it, which is what the last id up to there says. A client that is cut there comes back to the same place.
func splitAtFrame(out []byte, n int, from view.Position) (partial []byte, at view.Position, frames int) {
	end := 0
	if n > 0 {
		end = n
		if !bytes.HasSuffix(out[:n], frameEnd) {
			end = n - 1 + bytes.Index(out[n-1:], frameEnd) + len(frameEnd)
		}
		partial = bytes.Clone(out[n:end])
	}
	complete := out[:end]
	at = from
	if i := lastID(complete); i >= 0 {
		line := complete[i+len("id: "):]
		_, p, ok := view.ParsePosition(string(line[:bytes.IndexByte(line, '\n')]))
		if !ok {
			panic("stream: a frame with the id " + string(line))
		}
		at = p
	}
	return partial, at, bytes.Count(complete, frameEnd)
}

var frameEnd = []byte("\n\n")

// lastID is where the last id field begins. Data cannot look like one: its lines begin with "data: ".
func lastID(frames []byte) int {
	if i := bytes.LastIndex(frames, []byte("\nid: ")); i >= 0 {
		return i + 1
	}
	if bytes.HasPrefix(frames, []byte("id: ")) {
		return 0
	}
	return -1
}

// onTimer looks at what the time is for.
func (s *socket) onTimer() {
	l, now := s.loop, s.loop.wheel.hand
	switch {
	case s.closed:
		return
	case s.writeDeadline != 0 && s.writeDeadline <= now:
		l.hub.slow.Add(1)
		s.close()
		return
	case s.expiresAt <= now:
		s.closeWithNotice(closeNotice{retryDelay()})
		return
	case s.heartbeatAt <= now:
		_, heartbeat := l.hub.intervals(s.info.topic.key.Kind)
		s.heartbeatAt, s.heartbeatDue = s.heartbeatAt+max(1, uint32(heartbeat/tick)), true
		s.step()
	case s.catchUp.blocksHistory() && s.catchUp.yieldAt <= now:
		s.catchUp.releaseSlot()
	}
	s.schedule()
}

// schedule puts it where the next thing is due.
func (s *socket) schedule() {
	if s.closed {
		return
	}
	at := min(s.expiresAt, s.heartbeatAt)
	if s.writeDeadline != 0 {
		at = min(at, s.writeDeadline)
	}
	if s.catchUp.blocksHistory() {
		at = min(at, s.catchUp.yieldAt)
	}
	s.loop.wheel.add(s, at)
}

// closeWithNotice ends it: with a time to come back if that fits between two frames, without it otherwise.
func (s *socket) closeWithNotice(notice closeNotice) {
	if s.closing = true; s.closed || !s.attached {
		return
	}
	if s.flush() && !s.closed {
		s.write(append(view.AppendRetry(nil, notice.retry), '\n'))
	}
	s.close()
}

func (s *socket) close() {
	if s.closing = true; s.closed || !s.attached { // who has not begun is closed when that is so
		return
	}
	s.closed = true
	l := s.loop
	l.wheel.remove(s)
	l.poller.drop(s)
	if s.catchUp != nil {
		s.catchUp.stop(errClosed)
	}
	if s.subscribers != nil {
		last := s.subscribers.sockets[len(s.subscribers.sockets)-1]
		s.subscribers.sockets[s.index], last.index = last, s.index
		s.subscribers.sockets[len(s.subscribers.sockets)-1] = nil
		s.subscribers.sockets = s.subscribers.sockets[:len(s.subscribers.sockets)-1]
	}
	l.hub.removeSocket(s)
	s.partial = nil
}

// closeGracefully and tear may be called by anybody.
func (s *socket) closeGracefully(notice closeNotice) {
	s.loop.post(func() { s.closeWithNotice(notice) })
}
func (s *socket) abort() { s.loop.post(s.close) }

// intervals are the life and the heartbeat of a stream of this kind.
func (h *Hub) intervals(kind TopicKind) (maxAge, heartbeat time.Duration) {
	switch kind {
	case TopicUser:
		return h.UserMaxAge, h.UserHeartbeat
	case TopicOrder:
		return h.ScheduleMaxAge, h.UserHeartbeat
	}
	return h.ScheduleMaxAge, h.ScheduleHeartbeat
}
