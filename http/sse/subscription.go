// An open stream: a cursor and the rest of the frame that did not fit. What its connection has not taken is asked of the cursor
// again when there is room. What the ring does not have is read by a goroutine, which hands its batches to the loop.

package sse

import (
	"bytes"
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"onsale/domain"
	"onsale/http/sse/evloop"
	"onsale/http/view"
)

// subscription belongs to its loop once it is started, and to its handler before.
type subscription struct {
	evloop.Conn
	hub        *Hub
	addr       netip.Addr        // the zero value: unknown
	opened     uint32            // seconds since 1970, as the next
	expires    uint32            // when its client's identity is not valid any more; 0: never
	cursor     cursor            // its topic does not change
	catchUp    *catchUp          // nil: the ring is enough
	fellBehind bool              // its connection was full since it was last up to date
	onClose    func(bytes int64) // nil: nobody asks

	state atomic.Uint32 // a streamState, for List
	seen  atomic.Uint64 // the last event of which all was written, for List
}

// start puts the subscription among those of its topic and writes the first frame.
func (s *subscription) start(first []byte) {
	s.Loop().Post(func() {
		h, topic := s.hub, s.cursor.topic
		h.mu.Lock()
		group := topic.groupOn(s.Loop())
		h.mu.Unlock()
		maxAge, heartbeat := h.intervals(topic.key.Kind)
		maxAge = jittered(maxAge)
		if left, expires := s.untilExpiry(); expires && left-expiryWarning < maxAge {
			s.NotifyAfter(left - expiryWarning)
			maxAge = min(maxAge, max(0, left))
		}
		s.Start(group, first, maxAge, heartbeat)
	})
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

// Step writes what there is, about a batch of it.
func (s *subscription) Step() {
	defer s.observe()
	if !s.Flush() || !s.flushCatchUp() {
		return
	}
	h, from, shownVersions, result := s.hub, s.cursor.at, s.cursor.shownVersions, batchResult{}
	buffer := buffers.Get().(*[]byte)
	out := (*buffer)[:0]
	if s.HeartbeatDue && s.cursor.at.Sub != 0 {
		s.HeartbeatDue = false
		out = h.appendHeartbeat(out, &s.cursor)
	}
	if s.catchUp == nil {
		out, result = h.nextFrames(&s.cursor, out)
	}
	framesEnd := len(out)
	if s.NoticeDue {
		out = s.appendExpiring(out)
	}
	noticeEnd := len(out)
	if s.HeartbeatDue { // by now it is known up to where nothing was missed
		out = h.appendHeartbeat(out, &s.cursor)
	}
	n := s.send(out, from)
	complete := n == len(out)
	putBuffer(buffer, out)
	if n == 0 { // nothing of a snapshot went out
		s.cursor.shownVersions = shownVersions
	}
	s.NoticeDue = s.NoticeDue && n <= framesEnd // nothing of it went out
	s.HeartbeatDue = s.HeartbeatDue && n <= noticeEnd
	if !complete || s.catchUp != nil || s.IsClosed() {
		return
	}
	for _, sent := range result.traced { // a full socket loses them, and nothing else
		sent(s.cursor.topic.key.Kind)
	}
	switch result.state {
	case hasMore:
		s.Requeue()
	case needsHistory:
		s.startCatchUp(result.target)
	case caughtUp:
		s.fellBehind = s.Blocked()
	case done:
		s.finish(retryDelay())
	}
}

// send writes a batch of the cursor, which began at from. If it does not fit, the rest of the frame that was begun is kept,
// and the cursor goes back to the end of that frame: all that follows is asked for again.
func (s *subscription) send(out []byte, from view.Position) (n int) {
	if len(out) > 0 {
		n = s.write(out)
	}
	if n < len(out) && !s.IsClosed() {
		s.keepFrame(out, n, from)
	} else {
		s.countWritten(s.cursor.frameCount)
	}
	return n
}

func (s *subscription) write(b []byte) int {
	n := s.Write(b)
	s.fellBehind = s.fellBehind || s.Blocked()
	return n
}

// keepFrame keeps the rest of the frame of out in which byte n is, and moves the cursor behind that frame.
func (s *subscription) keepFrame(out []byte, n int, from view.Position) {
	rest, at, frames := splitAtFrame(out, n, from)
	s.Keep(rest)
	s.cursor.at = at
	s.countWritten(frames)
}

func (s *subscription) countWritten(frames int) {
	s.hub.written.Add(uint64(frames))
	s.cursor.frameCount = 0
}

// Finish ends the stream at its maximum age, or with its client's identity.
func (s *subscription) Finish() {
	if !s.isExpired() {
		s.finish(retryDelay())
		return
	}
	s.hub.expired.Add(1)
	s.stopCatchUp()
	s.CloseWith(appendExpired(nil))
}

// finish ends the stream with a retry delay. There is no blank line after it: some clients take one for an empty event.
func (s *subscription) finish(retry time.Duration) {
	s.stopCatchUp()
	s.CloseWith(view.AppendRetry(nil, retry))
}

// closeGracefully ends the stream between two frames. Any goroutine may call it.
func (s *subscription) closeGracefully(retry time.Duration) {
	s.Loop().Post(func() { s.finish(retry) })
}

func (s *subscription) OnClose(err error) {
	if err == evloop.ErrWriteTimeout {
		s.hub.slow.Add(1)
	}
	s.stopCatchUp()
	s.hub.unregister(s)
	if s.onClose != nil {
		s.onClose(s.Written())
	}
}

type onCloseKey struct{}

// WithOnClose is the context of a request whose stream calls f at its end, with the size of its body, if its connection is
// hijacked. Otherwise the stream ends with its handler.
func WithOnClose(ctx context.Context, f func(bytes int64)) context.Context {
	return context.WithValue(ctx, onCloseKey{}, f)
}

// appendHeartbeat says that nothing was missed up to the cursor: it keeps proxies from closing a quiet stream, lets a page notice
// a dead one, and advances the id with which a quiet client comes back. Within an event or a conflation it is only a comment,
// since its id would say that the rest was seen. A blank line after the comment would be an empty event for some clients.
func (h *Hub) appendHeartbeat(b []byte, c *cursor) []byte {
	if c.at.Sub != 0 || c.midConflation {
		return append(b, ":\n"...)
	}
	if c.topic.key.Kind != TopicSchedule {
		b = view.AppendField(b, "event", "heartbeat")
		return view.AppendEnd(append(b, "data:\n"...), h.Epoch, c.at)
	}
	b = append(b, `data: {"scheduleSeatId":-1,"status":null,"timestamp":"`...)
	b = append(b, domain.At(h.Now()).String()...)
	return view.AppendEnd(append(b, "\",\"isHeartbeat\":true}\n"...), h.Epoch, c.at)
}

// splitAtFrame splits whole frames that were written up to byte n: the rest of the frame that contains n, the position
// behind that frame, which is the last id up to there, and the number of frames up to there. A client that is cut there
// comes back with the same position. A comment belongs to the frame that follows; the last one may have none.
func splitAtFrame(out []byte, n int, from view.Position) (rest []byte, at view.Position, frames int) {
	end := 0
	if n > 0 {
		end = n
		if !bytes.HasSuffix(out[:n], frameEnd) {
			end = len(out)
			if i := bytes.Index(out[n-1:], frameEnd); i >= 0 {
				end = n - 1 + i + len(frameEnd)
			}
		}
		rest = bytes.Clone(out[n:end])
	}
	whole := out[:end]
	at = from
	// A line of data cannot look like an id, since it begins with "data: ", and no frame begins with its id.
	if i := bytes.LastIndex(whole, idField); i >= 0 {
		line := whole[i+len(idField):]
		_, p, ok := view.ParsePosition(string(line[:bytes.IndexByte(line, '\n')]))
		if !ok {
			panic("sse: invalid id in a frame: " + string(line))
		}
		at = p
	}
	return rest, at, bytes.Count(whole, frameEnd)
}

var frameEnd, idField = []byte("\n\n"), []byte("\nid: ")
