// Readers that fell out of the ring, or came back after long: each reads the log by a consumer of its own until it has
// the last event that the ring no longer holds, and then goes on with the ring. A slow one is never fed from memory.
package stream

import (
	"context"
	"errors"
	"time"

	"onsale/domain"
)

const (
	stall = 5 * time.Second        // a consumer that gives nothing for so long is made anew: a replica may lag, or be gone
	pause = 500 * time.Millisecond // before another one, after one that ended at once
)

// read is what a consumer gave: an event, or why there are no more; its zero value says that it just ended.
type read struct {
	event domain.Event
	err   error
}

// consume reads the log for a cursor in a goroutine, until ctx ends. The ticket is given back when it is really over.
func (h *Hub) consume(ctx context.Context, from uint64, key Key, t *ticket) <-chan read {
	reads := make(chan read, 16)
	h.remote.Go(func() {
		defer h.line.leave(t)
		defer close(reads)
		for e, err := range h.CatchUp(ctx, from, key) {
			if err != nil {
				e = domain.Event{}
			}
			select {
			case reads <- read{e, err}:
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

var (
	errEnded   = errors.New("it ended")
	errStalled = errors.New("nothing came")
)

// catchUp serves the cursor from the log up to and with event target, in its turn. It comes back without an error also
// when it did not get there: the next turn finds out what is missing then.
func (c *conn) catchUp(target uint64) error {
	t := c.hub.line.enter()
	if err := c.rest(t.turn); err != nil {
		c.hub.line.leave(t)
		return err
	}
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	began := c.cursor.at
	reads := c.hub.consume(ctx, began.seen()+1, c.cursor.topic.key, t)
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	var got read
	var there bool
	var err error
	for out := (*buffer)[:0]; ; {
		select {
		case got = <-reads:
		default: // nothing lies ready: write what was gathered before waiting
			if err := c.write(out); err != nil {
				return err
			}
			out = out[:0]
			if got, err = c.receive(reads); err != nil {
				return err
			}
		}
		if got.event.Body == nil {
			if err := c.write(out); err != nil {
				return err
			}
			return c.broken(got.err, target, c.cursor.at != began)
		}
		if out, there, err = c.follow(&got.event, out); err != nil {
			return err
		}
		if !there && c.cursor.at.seen() < target {
			continue
		}
		// The ring has moved meanwhile. As long as it still does not reach back to here, the consumer goes on.
		w := c.hub.look(&c.cursor, nil)
		if !w.behind {
			return c.write(out)
		}
		target = w.target
	}
}

// follow takes one event of the log, and writes full batches. An event that is not told yet is left for the ring; but as
// it comes after all that was, there is nothing more up to the ring's head, and the cursor is there.
func (c *conn) follow(e *domain.Event, out []byte) (_ []byte, there bool, err error) {
	key, head := c.cursor.topic.key, c.hub.head()
	switch {
	case e.Number <= c.cursor.at.seen() || keysOf(e)[key.Kind] != key.ID:
		return out, false, nil
	case e.Number > head:
		c.cursor.at = Position{Number: head}
		return out, true, nil
	}
	f := c.hub.render(e, c.cursor.audience)
	for whole := false; ; {
		if out, whole = c.cursor.take(out, e.Number, f); whole {
			return out, false, nil
		}
		if err := c.write(out); err != nil {
			return out, false, err
		}
		out = out[:0]
	}
}

// receive waits for the next event, with heartbeats.
func (c *conn) receive(reads <-chan read) (read, error) {
	patience := time.NewTimer(stall)
	defer patience.Stop()
	for {
		select {
		case got := <-reads:
			return got, nil
		case <-patience.C:
			return read{err: errStalled}, nil
		case <-c.beat.C:
			if err := c.heartbeat(); err != nil {
				return read{}, err
			}
		case <-c.ctx.Done():
			return read{}, c.ctx.Err()
		}
	}
}

// broken is after a consumer that did not get there. One that gave nothing is not made anew in the same instant.
func (c *conn) broken(err error, target uint64, moved bool) error {
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
	over := make(chan struct{})
	timer := time.AfterFunc(pause, func() { close(over) })
	defer timer.Stop()
	return c.rest(over)
}
