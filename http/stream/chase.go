// Readers that fell out of the ring, or came back after long: each reads the past of its key by itself until it has the
// last event that the ring no longer holds, and then goes on with the ring. A slow one is never fed from memory.
package stream

import (
	"context"
	"time"

	"onsale/domain"
)

// share is how long a reader may hold up the line: one that has much to read would keep all others out otherwise. One whose
// batch does not go out gives its place back sooner (yield).
const share = 5 * time.Second

// A chase is one reading of the log, after what a cursor has missed.
type chase struct {
	hub    *Hub
	ctx    context.Context
	cursor cursor
	write  func([]byte) error // comes back when the bytes are out; the cursor is behind them
	stop   context.CancelFunc // gives the place at the log back

	behind  bool   // its reader was up to date, and then slow
	burst   *burst // what such a watcher may be told instead; nil for all others
	telling bool   // it is being told

	beat      <-chan time.Time // nil: the heartbeats are somebody else's
	heartbeat func() error
}

// run reads up to and with event target. It comes back without an error also when it did not get there: who asks the ring
// next finds out what is missing then. The ticket is given back.
func (c *chase) run(t *ticket, target uint64) error {
	if c.behind {
		c.hub.demoted.Add(1)
		if c.cursor.topic.key.Kind == OfSchedule {
			c.burst = &burst{from: c.cursor.at}
		}
	}
	if err := c.read(t, target); err != nil || c.burst == nil || !c.burst.full {
		return err
	}
	return c.tell()
}

// read takes what there is up to target, and writes it unless it is a burst's.
func (c *chase) read(t *ticket, target uint64) error {
	ctx, stop := context.WithCancel(c.ctx)
	c.stop = stop
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
			if out, err = c.pass(out); err != nil {
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
			return c.broken(got.err, target, c.cursor.at != began)
		}
		c.hub.replayed.Add(1)
		if out, there, err = c.follow(&got.event, out); err != nil {
			return err
		}
		if ctx.Err() != nil || time.Now().After(over) && (c.burst != nil || c.hub.line.busy()) {
			return c.write(out)
		}
		if there || c.cursor.over() { // the event was read, and not taken by the cursor: this reading must not go on
			return c.write(out)
		}
		if c.cursor.at.seen() < target {
			continue
		}
		if out, err = c.pass(out); err != nil {
			return err
		}
		// The ring has moved meanwhile. As long as it still does not reach back to here, the reading goes on.
		w := c.hub.look(&c.cursor, nil)
		if !w.behind {
			return c.write(out)
		}
		target = w.target
	}
}

// pass writes what was gathered. What may become a burst stays, for there may be more.
func (c *chase) pass(out []byte) ([]byte, error) {
	if c.burst != nil {
		return out, nil
	}
	return out[:0], c.write(out)
}

// follow takes one event of the log, and writes full batches; with the first of them, a burst begins instead. An event that
// is not told yet is left for the ring; but as it comes after all that was, there is nothing more up to the ring's head, and
// the cursor is there.
func (c *chase) follow(e *domain.Event, out []byte) (_ []byte, there bool, err error) {
	key, head := c.cursor.topic.key, c.hub.head()
	switch {
	case e.Number <= c.cursor.at.seen() || keysOf(e)[key.Kind] != key.ID:
		return out, false, nil
	case e.Number > head:
		c.cursor.at = Position{Number: head}
		return out, true, nil
	}
	if c.burst != nil {
		c.burst.take(e)
		if c.burst.full {
			c.cursor.at = Position{Number: e.Number}
			return out, false, nil
		}
	}
	f := c.hub.render(e, c.cursor.audience)
	for whole := false; ; {
		if out, whole = c.cursor.take(out, e, f); whole {
			return out, false, nil
		}
		if c.burst != nil {
			c.burst.full, c.cursor.at, c.cursor.taken = true, Position{Number: e.Number}, 0
			return out[:0], false, nil
		}
		if err := c.write(out); err != nil {
			return out, false, err
		}
		out = out[:0]
	}
}
