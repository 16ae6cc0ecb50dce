// Readers that fell out of the ring, or came back after long: each reads the past of its key by itself until it has the
// last event that the ring no longer holds, and then goes on with the ring. A slow one is never fed from memory.

package sse

import (
	"context"
	"errors"
	"onsale/http/view"
	"time"

	"onsale/domain"
)

// timeSlice is how long a reader may hold up the line: one that has much to read would keep all others out otherwise. One whose
// batch does not go out gives its place back sooner (yield).
const timeSlice = 5 * time.Second

// A chase is one reading of the log, after what a cursor has missed.
type catchUp struct {
	hub    *Hub
	ctx    context.Context
	cursor cursor
	write  func([]byte) error // comes back when the bytes are out; the cursor is behind them
	cancel context.CancelFunc // gives the place at the log back

	fellBehind        bool        // its reader was up to date, and then slow
	conflation        *conflation // what such a watcher may be told instead; nil for all others
	writingConflation bool        // it is being told

	heartbeats     <-chan time.Time // nil: the heartbeats are somebody else's
	writeHeartbeat func() error
}

// run reads up to and with event target. It comes back without an error also when it did not get there: who asks the ring
// next finds out what is missing then. The ticket is given back.
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

// readLog takes what there is up to target, and writes it unless it is a burst's.
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
		default: // nothing lies ready: write what was gathered before waiting
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
				return c.ctx.Err() // none when the place was given back
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
		if atHead || c.cursor.done() { // the event was read, and not taken by the cursor: this reading must not go on
			return c.write(out)
		}
		if c.cursor.at.Seen() < target {
			continue
		}
		if out, err = c.flush(out); err != nil {
			return err
		}
		// The ring has moved meanwhile. As long as it still does not reach back to here, the reading goes on.
		result := c.hub.lookup(&c.cursor, nil)
		if !result.behind {
			return c.write(out)
		}
		target = result.target
	}
}

// flush writes what was gathered. What may become a burst stays, for there may be more.
func (c *catchUp) flush(out []byte) ([]byte, error) {
	if c.conflation != nil {
		return out, nil
	}
	return out[:0], c.write(out)
}

// addEvent takes one event of the log, and writes full batches; with the first of them, a burst begins instead. An event that
// is not told yet is left for the ring; but as it comes after all that was, there is nothing more up to the ring's head, and
// the cursor is there.
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

// Reading the log for one cursor: events come from a goroutine, so that heartbeats go on while it waits for them, and a
// reading that gives nothing is given up.

const (
	readStallTimeout = 5 * time.Second        // a reading that gives nothing for so long is begun anew
	retryPause       = 500 * time.Millisecond // before another one, after one that ended at once
)

var (
	errEnded   = errors.New("it ended")
	errStalled = errors.New("nothing came")
)

// readResult is what a reading gave: an event, or why there are no more; its zero value says that it just ended.
type readResult struct {
	event domain.Event
	err   error
}

// consume reads the log for a cursor in a goroutine, until ctx ends. The ticket is given back when it is really over.
func (h *Hub) consume(ctx context.Context, from uint64, topic Topic, w *waiter) <-chan readResult {
	reads := make(chan readResult, 16)
	h.background.Go(func() {
		defer h.catchUpSlots.release(w)
		defer close(reads)
		for e, err := range h.CatchUp(ctx, from, topic) {
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

// retry is after a reading that did not get there. One that gave nothing is not made anew in the same instant.
func (c *catchUp) retry(err error, target uint64, moved bool) error {
	if err == nil {
		err = errEnded
	}
	if c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	c.hub.Log.Warn("a reader of the log is made anew", "at", c.cursor.at.Number, "target", target, "error", err)
	if moved || err == errStalled {
		return nil
	}
	elapsed := make(chan struct{})
	timer := time.AfterFunc(retryPause, func() { close(elapsed) })
	defer timer.Stop()
	return c.waitWithHeartbeats(elapsed)
}

// waitWithHeartbeats waits until there is something on ch, with heartbeats.
func (c *catchUp) waitWithHeartbeats(ch <-chan struct{}) error {
	for {
		select {
		case <-ch:
			return nil
		case <-c.heartbeats:
			if err := c.writeHeartbeat(); err != nil {
				return err
			}
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}

// How a stream that net/http serves reads the log: in its own goroutine, when its turn has come.

// catchUp serves the cursor from the log up to and with event target, in its turn.
func (c *conn) catchUp(target uint64) error {
	defer c.observed.set(live)
	c.observed.set(queued)
	w := c.hub.catchUpSlots.acquire()
	if err := c.waitWithHeartbeats(w.ready); err != nil {
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
