// Catching up: a stream that fell out of the ring, or resumes after long, reads the log itself until it has the last of its
// events that the ring does not hold. Then it goes on with the ring.

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

// catchUp is one reading of the log for a cursor.
type catchUp struct {
	hub    *Hub
	ctx    context.Context
	cursor cursor
	write  func([]byte) error // returns when the bytes are out; the cursor is behind them
	cancel context.CancelFunc // ends the reading, which releases the slot

	fellBehind        bool        // the stream was up to date, and then too slow
	conflation        *conflation // of a schedule's stream that fell behind; else nil
	writingConflation bool

	heartbeats     <-chan time.Time // nil: the event loop writes them
	writeHeartbeat func() error
}

// run reads up to and with event target. It may return without an error before that: the next lookup in the ring finds what
// is missing. It releases the slot.
func (c *catchUp) run(w *waiter, target uint64) error {
	if c.fellBehind {
		c.hub.demoted.Add(1)
		if c.cursor.topic.key.Kind == TopicSchedule {
			c.conflation = &conflation{from: c.cursor.at}
		}
	}
	if err := c.readLog(w, target); err != nil || c.conflation == nil || !c.conflation.active {
		return err
	}
	return c.writeConflated()
}

// readLog reads up to target, and writes all but what is conflated.
func (c *catchUp) readLog(w *waiter, target uint64) error {
	ctx, cancel := context.WithCancel(c.ctx)
	c.cancel = cancel
	defer cancel()
	start := c.cursor.at
	sliceEnd := time.Now().Add(timeSlice)
	reads := c.hub.consume(ctx, start.Seen()+1, c.cursor.topic.key, w)
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
			if got, err = c.receive(reads); err != nil {
				return err
			}
		}
		if got.event.Body == nil {
			if err := c.write(out); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return c.ctx.Err() // nil if only the slot was given up
			}
			return c.retry(got.err, target, c.cursor.at != start)
		}
		c.hub.replayed.Add(1)
		if out, atHead, err = c.addEvent(&got.event, out); err != nil {
			return err
		}
		if ctx.Err() != nil || time.Now().After(sliceEnd) && (c.conflation != nil || c.hub.catchUpSlots.busy()) {
			return c.write(out)
		}
		if atHead || c.cursor.done() { // the event was read and not taken, so this reading must not go on
			return c.write(out)
		}
		if c.cursor.at.Seen() < target {
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
		target = result.target
	}
}

// flush writes what was gathered, unless it may be conflated.
func (c *catchUp) flush(out []byte) ([]byte, error) {
	if c.conflation != nil {
		return out, nil
	}
	return out[:0], c.write(out)
}

// addEvent adds one event of the log and writes full batches; a conflation begins instead of the first of them. An event
// that is not published yet is left to the ring: since it comes after all that were, the cursor is at the ring's head.
func (c *catchUp) addEvent(e *domain.Event, out []byte) (_ []byte, atHead bool, err error) {
	topic, head := c.cursor.topic.key, c.hub.head()
	switch {
	case e.Number <= c.cursor.at.Seen() || topicIDs(e)[topic.Kind] != topic.ID:
		return out, false, nil
	case e.Number > head:
		c.cursor.at = view.Position{Number: head}
		return out, true, nil
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

// consume reads the log in a goroutine until ctx ends, so that heartbeats go on while it waits. The slot is released when
// the reading has really ended.
func (h *Hub) consume(ctx context.Context, from uint64, topic Topic, w *waiter) <-chan readResult {
	reads := make(chan readResult, 16)
	h.background.Go(func() {
		defer h.catchUpSlots.release(w)
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

// receive waits for the next event, with heartbeats.
func (c *catchUp) receive(reads <-chan readResult) (readResult, error) {
	stallTimer := time.NewTimer(readStallTimeout)
	defer stallTimer.Stop()
	for {
		select {
		case got := <-reads:
			return got, nil
		case <-stallTimer.C:
			return readResult{err: errStalled}, nil
		case <-c.heartbeats:
			if err := c.writeHeartbeat(); err != nil {
				return readResult{}, err
			}
		case <-c.ctx.Done():
			return readResult{}, c.ctx.Err()
		}
	}
}

// retry follows a reading that did not reach its target. One that failed at once is followed by a pause.
func (c *catchUp) retry(err error, target uint64, moved bool) error {
	if err == nil {
		err = errEnded
	}
	if c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	c.hub.Log.Warn("reading the log for a stream failed, retrying", "at", c.cursor.at.Number, "target", target, "error", err)
	if moved || err == errStalled {
		return nil
	}
	elapsed := make(chan struct{})
	timer := time.AfterFunc(retryPause, func() { close(elapsed) })
	defer timer.Stop()
	return waitFor(c.ctx, elapsed, c.heartbeats, c.writeHeartbeat)
}

// waitFor waits until ch is closed, with heartbeats.
func waitFor(ctx context.Context, ch <-chan struct{}, heartbeats <-chan time.Time, writeHeartbeat func() error) error {
	for {
		select {
		case <-ch:
			return nil
		case <-heartbeats:
			if err := writeHeartbeat(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
