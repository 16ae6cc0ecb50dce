// Catching up: a stream that fell out of the ring, or resumes after long, reads the journal itself until it has the last of its
// events that the ring does not hold. Then it goes on with the ring. A goroutine reads and hands its batches to the loop. While it
// waits for a slot there is no goroutine; and if its connection takes nothing for a while, it gives its slot to the next.

package sse

import (
	"context"
	"errors"
	"time"

	"onsale/domain"
	"onsale/http/view"
)

const (
	timeSlice        = 5 * time.Second        // a reader gives its slot to others that wait after this
	stallLimit       = time.Second            // and after this, if its batch does not go out
	readStallTimeout = 5 * time.Second        // a reading that yields nothing for so long is started again
	retryPause       = 500 * time.Millisecond // after one that ended at once
)

var (
	errEnded   = errors.New("reading ended")
	errStalled = errors.New("reading stalled")
)

// catchUp is one reading of the log for a subscription, up to and with event target.
type catchUp struct {
	hub     *Hub
	sub     *subscription
	target  uint64
	waiter  *waiter
	ctx     context.Context
	cancel  context.CancelFunc
	written chan struct{} // one slot: the batch under way went out

	// The goroutine's own.
	cursor            cursor
	conflation        *conflation // of a schedule's stream that fell behind; else nil
	writingConflation bool        // without a slot

	// The loop's own: the batch under way.
	out  []byte
	sent int
	next cursor // when out is written
}

// startCatchUp begins to read the journal up to event target, once there is a slot.
func (s *subscription) startCatchUp(target uint64) {
	h := s.hub
	c := &catchUp{hub: h, sub: s, target: target, written: make(chan struct{}, 1), cursor: s.cursor}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if s.fellBehind && s.cursor.wasCaughtUp {
		h.demoted.Add(1)
		if s.cursor.topic.key.Kind == TopicSchedule {
			c.conflation = &conflation{from: s.cursor.at}
		}
	}
	c.waiter = &waiter{onGranted: func() { h.background.Go(c.run) }}
	s.catchUp = c
	h.catchUpSlots.enqueue(c.waiter)
}

// stopCatchUp ends the reading, or its wait for a slot. Of a batch under way the rest of the frame is kept.
func (s *subscription) stopCatchUp() {
	c := s.catchUp
	if c == nil {
		return
	}
	if c.out != nil && c.sent > 0 {
		s.keepFrame(c.out, c.sent, s.cursor.at)
		s.cursor.endsAfter = c.next.endsAfter
	}
	s.catchUp, c.out = nil, nil
	c.cancel()
	s.hub.catchUpSlots.cancel(c.waiter)
}

// flushCatchUp writes the batch that was read. It is false unless there is room for more.
func (s *subscription) flushCatchUp() bool {
	c := s.catchUp
	if c == nil || c.out == nil {
		return true
	}
	c.sent += s.write(c.out[c.sent:])
	if s.IsClosed() || c.sent < len(c.out) {
		return false
	}
	c.out = nil
	s.cursor.at, s.cursor.midConflation = c.next.at, c.next.midConflation
	s.countWritten(c.next.frameCount)
	c.written <- struct{}{}
	return !s.Blocked()
}

// run is the goroutine. It may end before the target: the next Step finds what is missing.
func (c *catchUp) run() {
	s := c.sub
	s.Loop().Post(s.observe)
	err := c.readLog()
	if err == nil && c.conflation != nil && c.conflation.active {
		err = c.writeConflated()
	}
	if err != nil {
		return // it was stopped
	}
	s.Loop().Post(func() {
		if s.catchUp == c {
			// All is written; the reading may have found that there is nothing more.
			s.cursor.at, s.cursor.endsAfter = c.cursor.at, c.cursor.endsAfter
			s.stopCatchUp()
			s.Step()
		}
	})
}

// readLog reads up to the target, and writes all but what is conflated. It releases the slot.
func (c *catchUp) readLog() error {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	start := c.cursor.at
	sliceEnd := time.Now().Add(timeSlice)
	reads := c.hub.consume(ctx, start.Seen()+1, c.cursor.topic.key)
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	var got readResult
	var atHead bool
	var err error
	for out := (*buffer)[:0]; ; {
		select {
		case got = <-reads:
		default: // write what was gathered before waiting
			if out, err = c.flush(out); err != nil {
				return err
			}
			got = c.receive(reads)
		}
		if got.event.Body == nil {
			if err := c.write(out); err != nil {
				return err
			}
			return c.retry(got.err, c.cursor.at != start)
		}
		c.hub.replayed.Add(1)
		if out, atHead, err = c.addEvent(&got.event, out); err != nil {
			return err
		}
		// An event at the head, or behind an order's end, was read and not taken: this reading must not go on.
		if atHead || c.cursor.done() || time.Now().After(sliceEnd) && (c.quiet() || c.hub.catchUpSlots.busy()) {
			return c.write(out)
		}
		if c.cursor.at.Seen() < c.target {
			continue
		}
		if out, err = c.flush(out); err != nil {
			return err
		}
		// The ring has moved meanwhile. While it still does not reach back to here, the reading goes on.
		result := c.hub.lookup(&c.cursor, nil)
		if !result.behind {
			return c.write(out)
		}
		c.target = result.target
	}
}

// quiet reports whether the reading may write nothing for long, so that the stream's position has to be moved now and then.
func (c *catchUp) quiet() bool { return c.conflation != nil || c.cursor.topic.filter != nil }

// flush writes what was gathered, unless it may be conflated.
func (c *catchUp) flush(out []byte) ([]byte, error) {
	if c.conflation != nil {
		return out, nil
	}
	return out[:0], c.write(out)
}

// write hands a batch to the loop and returns when the connection has taken it. The cursor is behind it. The slot of a batch
// that does not go out is given up; the stream waits for one again when there is room.
func (c *catchUp) write(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	s, next := c.sub, c.cursor
	c.cursor.frameCount = 0
	s.Loop().Post(func() {
		if s.catchUp == c {
			c.out, c.sent, c.next = out, 0, next
			s.Step()
		}
	})
	var stalled <-chan time.Time
	if !c.writingConflation {
		stalled = time.After(stallLimit)
	}
	for {
		select {
		case <-c.written:
			return nil
		case <-stalled:
			s.Loop().Post(func() {
				if s.catchUp == c && c.out != nil && s.Blocked() {
					s.stopCatchUp()
				}
			})
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}

// addEvent adds one event of the log and writes full batches; a conflation begins instead of the first of them. An event
// that is not delivered yet is left to the ring: since it comes after all that were, the cursor is at the ring's head.
func (c *catchUp) addEvent(e *domain.Event, out []byte) (_ []byte, atHead bool, err error) {
	head := c.hub.head()
	switch {
	case e.Number <= c.cursor.at.Seen():
		return out, false, nil
	case e.Number > head:
		c.cursor.at = view.Position{Number: head}
		return out, true, nil
	case !c.cursor.topic.includes(e):
		if c.cursor.topic.filter != nil {
			c.cursor.at = view.Position{Number: e.Number}
		}
		return out, false, nil
	}
	if c.conflation != nil {
		c.conflation.add(e)
		if c.conflation.active {
			c.cursor.at = view.Position{Number: e.Number}
			return out, false, nil
		}
	}
	f := c.hub.render(e, c.cursor.audience)
	for complete := false; ; {
		if out, complete = c.cursor.appendEvent(out, e, f); complete {
			return out, false, nil
		}
		if c.conflation != nil {
			c.conflation.active, c.cursor.at, c.cursor.frameCount = true, view.Position{Number: e.Number}, 0
			return out[:0], false, nil
		}
		if err := c.write(out); err != nil {
			return out, false, err
		}
		out = out[:0]
	}
}

// readResult is an event, or why there are no more; its zero value: the reading ended.
type readResult struct {
	event domain.Event
	err   error
}

// consume reads the journal in a goroutine until ctx ends, which a hanging log notices late. The slot is released when the reading
// has really ended.
func (h *Hub) consume(ctx context.Context, from uint64, topic Topic) <-chan readResult {
	reads := make(chan readResult, 16)
	h.background.Go(func() {
		defer h.catchUpSlots.release()
		defer close(reads)
		for e, err := range h.eventsOf(ctx, topic, from) {
			if err != nil {
				e = domain.Event{}
			}
			select {
			case reads <- readResult{e, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	})
	return reads
}

// receive waits for the next event.
func (c *catchUp) receive(reads <-chan readResult) readResult {
	select {
	case got := <-reads:
		return got
	case <-time.After(readStallTimeout):
		return readResult{err: errStalled}
	case <-c.ctx.Done():
		return readResult{err: c.ctx.Err()}
	}
}

// retry follows a reading that did not reach its target. One that failed at once is followed by a pause.
func (c *catchUp) retry(err error, moved bool) error {
	if c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	if err == nil {
		err = errEnded
	}
	c.hub.Logger.Warn("reading the journal for a stream failed, retrying", "at", c.cursor.at.Number, "target", c.target, "error", err)
	if moved || err == errStalled {
		return nil
	}
	select {
	case <-time.After(retryPause):
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}
