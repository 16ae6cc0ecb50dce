// Readers that fell out of the ring, or came back after long: each reads the log by a consumer of its own until it has
// the last event that the ring no longer holds, and then goes on with the ring. A slow one is never fed from memory.
package stream

import (
	"context"
	"time"

	"onsale/domain"
)

// share is how long a reader may hold up the line. Those that read slowly would keep all others out otherwise.
const share = 5 * time.Second

// catchUp serves the cursor from the log up to and with event target, in its turn.
func (c *conn) catchUp(target uint64) error {
	t := c.hub.line.enter()
	if err := c.rest(t.turn); err != nil {
		c.hub.line.leave(t)
		return err
	}
	chase := chase{hub: c.hub, ctx: c.ctx, cursor: c.cursor, beat: c.beat.C}
	chase.write = func(b []byte) error {
		c.cursor = chase.cursor
		chase.cursor.taken = 0
		return c.write(b)
	}
	chase.heartbeat = func() error {
		c.cursor.at = chase.cursor.at
		return c.heartbeat()
	}
	err := chase.run(t, target)
	c.cursor = chase.cursor
	return err
}

// A chase is one reading of the log, after what a cursor has missed.
type chase struct {
	hub    *Hub
	ctx    context.Context
	cursor cursor
	write  func([]byte) error // comes back when the bytes are out
	behind bool               // its reader is slow

	beat      <-chan time.Time // nil: the heartbeats are somebody else's
	heartbeat func() error
}

// run reads up to and with event target. It comes back without an error also when it did not get there: who asks the ring
// next finds out what is missing then. The ticket is given back.
func (c *chase) run(t *ticket, target uint64) error {
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	began := c.cursor.at
	over := time.Now().Add(share)
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
		c.hub.replayed.Add(1)
		if out, there, err = c.follow(&got.event, out); err != nil {
			return err
		}
		if c.ctx.Err() != nil || time.Now().After(over) && c.hub.line.busy() {
			return c.write(out)
		}
		if there { // the event was taken from the consumer, and not by the cursor: this consumer must not go on
			return c.write(out)
		}
		if c.cursor.at.seen() < target {
			continue
		}
		if err := c.write(out); err != nil {
			return err
		}
		out = out[:0]
		// The ring has moved meanwhile. As long as it still does not reach back to here, the consumer goes on.
		w := c.hub.look(&c.cursor, nil)
		if !w.behind {
			return nil
		}
		target = w.target
	}
}

// follow takes one event of the log, and writes full batches. An event that is not told yet is left for the ring; but as
// it comes after all that was, there is nothing more up to the ring's head, and the cursor is there.
func (c *chase) follow(e *domain.Event, out []byte) (_ []byte, there bool, err error) {
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
