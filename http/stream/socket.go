// A socket is a stream without a goroutine: a connection, a cursor, and the rest of the frame that did not fit. All of it
// belongs to its loop. Nothing is queued for it: what it has not taken is asked of the cursor again when it can take more.
package stream

import (
	"bytes"
	"time"
)

type socket struct {
	loop   *loop
	crowd  *crowd
	place  place
	cursor cursor
	rest   []byte // of the last frame that was begun: it goes out first, and the cursor is behind it
	pump   *pump  // reads the log for it; nil: the ring is enough

	slot                slot   // in the wheel
	beat, life          uint32 // when the next heartbeat and the end are due
	stuck               uint32 // when it is given up; 0: it takes what it gets
	index               int32  // in crowd.sockets
	fd, number          int32  // the poller's
	full, behind, again bool   // nothing can be written now; it was full since it was last up to date; it is in loop.again
	beats               bool   // a heartbeat is due
	begun, doomed       bool   // it has a connection; it shall end
	closed              bool
}

func (s *socket) at() *place { return &s.place }

// begin is its first turn. What stands in rest, the head of the answer, goes out in it, and the first frame.
func (s *socket) begin(greeting []byte) {
	l, h := s.loop, s.loop.hub
	s.begun = true
	if s.doomed {
		s.bye(farewell{comeBack()})
		return
	}
	s.rest = append(s.rest, greeting...)
	h.mu.Lock()
	s.crowd = s.place.topic.crowd(l)
	h.mu.Unlock()
	s.index = int32(len(s.crowd.sockets))
	s.crowd.sockets = append(s.crowd.sockets, s)
	life, heartbeat := h.times(s.place.topic.key.Kind)
	s.life, s.beat = l.in(jittered(life)), l.in(heartbeat)
	s.turn()
	s.arm()
}

// ready is after the poller said something.
func (s *socket) ready(what ready) {
	if s.closed {
		return
	}
	if !s.begun {
		s.doomed = s.doomed || what&gone != 0
		return
	}
	if what&gone != 0 || what&readable != 0 && s.loop.poller.discard(s) != nil {
		s.close()
		return
	}
	if what&writable != 0 && s.full {
		s.full = false
		s.turn()
		s.arm()
	}
}

// turn writes what there is, about a batch of it.
func (s *socket) turn() {
	if s.closed || !s.flush() {
		return
	}
	l, h, from, shown, missing := s.loop, s.loop.hub, s.cursor.at, s.cursor.shown, step{}
	out := l.out[:0]
	if s.beats && s.cursor.at.Sub != 0 {
		s.beats = false
		out = h.heartbeat(out, &s.cursor)
	}
	if s.pump == nil {
		out, missing = h.next(&s.cursor, out)
	}
	frames := len(out)
	if s.beats { // by now it is known up to where nothing was missed
		out = h.heartbeat(out, &s.cursor)
	}
	if cap(out) <= 4*batch {
		l.out = out
	}
	n := s.send(out, from)
	if n == 0 { // nothing of a sheet went out
		s.cursor.shown = shown
	}
	s.beats = s.beats && n <= frames // nothing of it went out
	if n < len(out) || s.pump != nil || s.closed {
		return
	}
	switch missing.state {
	case more:
		if !s.again {
			s.again = true
			l.again = append(l.again, s)
		}
	case behind:
		s.pumpUp(missing.target)
	case idle:
		s.behind = false
	case over:
		s.bye(farewell{comeBack()})
	}
}

// flush writes what was begun. It is false when not all of it went out.
func (s *socket) flush() bool {
	if s.full {
		return false
	}
	if len(s.rest) > 0 {
		n := s.write(s.rest)
		if s.closed {
			return false
		}
		if s.rest = s.rest[n:]; len(s.rest) > 0 {
			return false
		}
		s.rest = nil
	}
	if p := s.pump; p != nil && p.out != nil {
		if p.sent += s.write(p.out[p.sent:]); p.sent < len(p.out) || s.closed {
			return false
		}
		p.taken(nil)
	}
	return true
}

// send writes a batch that the cursor gave, beginning at from. When it does not fit, the frame that is cut is kept, and the
// cursor goes back behind it: all else is asked for again.
func (s *socket) send(out []byte, from Position) (n int) {
	if len(out) > 0 {
		n = s.write(out)
	}
	whole := s.cursor.taken
	if n < len(out) && !s.closed {
		s.rest, s.cursor.at, whole = cut(out, n, from)
	}
	s.count(whole)
	return n
}

func (s *socket) count(frames int) {
	s.loop.hub.written.Add(uint64(frames))
	s.cursor.taken = 0
}

// write hands bytes to the kernel and says how many it took. When that is not all, the poller says when to go on.
func (s *socket) write(b []byte) int {
	n, err := s.loop.poller.write(s, b)
	s.loop.hub.bytes.Add(uint64(n))
	switch {
	case err != nil && err != errFull:
		s.close()
	case n < len(b):
		s.full, s.behind = true, true
		s.stuck = s.loop.in(s.loop.hub.WriteTimeout)
		s.arm()
	default:
		s.stuck = 0
	}
	return n
}

// cut divides whole frames that were written up to byte n only: the rest of the frame in which that is, and the position
// behind it, which is what the last id up to there says. A client that is cut there comes back to the same place.
func cut(out []byte, n int, from Position) (rest []byte, at Position, frames int) {
	end := 0
	if n > 0 {
		end = n
		if !bytes.HasSuffix(out[:n], blank) {
			end = n - 1 + bytes.Index(out[n-1:], blank) + len(blank)
		}
		rest = bytes.Clone(out[n:end])
	}
	whole := out[:end]
	at = from
	if i := lastID(whole); i >= 0 {
		line := whole[i+len("id: "):]
		_, p, ok := ParsePosition(string(line[:bytes.IndexByte(line, '\n')]))
		if !ok {
			panic("stream: a frame with the id " + string(line))
		}
		at = p
	}
	return rest, at, bytes.Count(whole, blank)
}

var blank = []byte("\n\n")

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

// due looks at what the time is for.
func (s *socket) due() {
	l, now := s.loop, s.loop.wheel.hand
	switch {
	case s.closed:
		return
	case s.stuck != 0 && s.stuck <= now:
		l.hub.slow.Add(1)
		s.close()
		return
	case s.life <= now:
		s.bye(farewell{comeBack()})
		return
	case s.beat <= now:
		_, heartbeat := l.hub.times(s.place.topic.key.Kind)
		s.beat, s.beats = s.beat+max(1, uint32(heartbeat/tick)), true
		s.turn()
	case s.pump.keeps() && s.pump.patience <= now:
		s.pump.yield()
	}
	s.arm()
}

// arm puts it where the next thing is due.
func (s *socket) arm() {
	if s.closed {
		return
	}
	at := min(s.life, s.beat)
	if s.stuck != 0 {
		at = min(at, s.stuck)
	}
	if s.pump.keeps() {
		at = min(at, s.pump.patience)
	}
	s.loop.wheel.put(s, at)
}

// bye ends it: with a time to come back if that fits between two frames, without it otherwise.
func (s *socket) bye(f farewell) {
	if s.doomed = true; s.closed || !s.begun {
		return
	}
	if s.flush() && !s.closed {
		s.write(append(appendRetry(nil, f.retry), '\n'))
	}
	s.close()
}

func (s *socket) close() {
	if s.doomed = true; s.closed || !s.begun { // who has not begun is closed when that is so
		return
	}
	s.closed = true
	l := s.loop
	l.wheel.take(s)
	l.poller.drop(s)
	if s.pump != nil {
		s.pump.end(errClosed)
	}
	if s.crowd != nil {
		last := s.crowd.sockets[len(s.crowd.sockets)-1]
		s.crowd.sockets[s.index], last.index = last, s.index
		s.crowd.sockets[len(s.crowd.sockets)-1] = nil
		s.crowd.sockets = s.crowd.sockets[:len(s.crowd.sockets)-1]
	}
	l.hub.part(s)
	s.rest = nil
}

// dismiss and tear may be called by anybody.
func (s *socket) dismiss(f farewell) { s.loop.post(func() { s.bye(f) }) }
func (s *socket) tear()              { s.loop.post(s.close) }

// times are the life and the heartbeat of a stream of this kind.
func (h *Hub) times(kind Kind) (life, heartbeat time.Duration) {
	switch kind {
	case OfUser:
		return h.UserLife, h.UserHeartbeat
	case OfOrder:
		return h.ScheduleLife, h.UserHeartbeat
	}
	return h.ScheduleLife, h.ScheduleHeartbeat
}
