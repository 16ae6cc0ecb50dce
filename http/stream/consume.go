// Reading the log for one cursor: events come from a goroutine, so that heartbeats go on while it waits for them, and a
// reading that gives nothing is given up.
package stream

import (
	"context"
	"errors"
	"time"

	"onsale/domain"
)

const (
	stall = 5 * time.Second        // a reading that gives nothing for so long is begun anew
	pause = 500 * time.Millisecond // before another one, after one that ended at once
)

var (
	errEnded   = errors.New("it ended")
	errStalled = errors.New("nothing came")
)

// read is what a reading gave: an event, or why there are no more; its zero value says that it just ended.
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

// receive waits for the next event, with heartbeats.
func (c *chase) receive(reads <-chan read) (read, error) {
	patience := time.NewTimer(stall)
	defer patience.Stop()
	for {
		select {
		case got := <-reads:
			return got, nil
		case <-patience.C:
			return read{err: errStalled}, nil
		case <-c.beat:
			if err := c.heartbeat(); err != nil {
				return read{}, err
			}
		case <-c.ctx.Done():
			return read{}, c.ctx.Err()
		}
	}
}

// broken is after a reading that did not get there. One that gave nothing is not made anew in the same instant.
func (c *chase) broken(err error, target uint64, moved bool) error {
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

// rest waits until there is something on ch, with heartbeats.
func (c *chase) rest(ch <-chan struct{}) error {
	for {
		select {
		case <-ch:
			return nil
		case <-c.beat:
			if err := c.heartbeat(); err != nil {
				return err
			}
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}
