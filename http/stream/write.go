// Writing to a connection that may not be reading: every write has its own deadline, and what could not be written is not
// lost, as the client comes back with the id of the last frame that reached it whole.
package stream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// prepare sets the headers. Proxies must not buffer, cache or change a stream.
func prepare(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
}

// write sends whole frames and does not return before they left the process. Nothing is nothing to do.
func (c *conn) write(b []byte) error {
	if len(b) > 0 {
		before := doing(c.traces.doing.Load())
		c.traces.now(writes)
		if err := c.send(b); err != nil {
			return err
		}
		c.traces.now(before)
	}
	c.traces.seen.Store(c.cursor.at.seen())
	return nil
}

func (c *conn) send(b []byte) error {
	if err := c.deadline(time.Now().Add(c.hub.WriteTimeout)); err != nil {
		return err
	}
	if _, err := c.w.Write(b); err != nil {
		return err
	}
	if err := c.out.Flush(); err != nil {
		if errors.Is(err, http.ErrNotSupported) {
			c.hub.unflushed.Do(func() {
				c.hub.Log.Error("no stream can be served: a wrapper around the http.ResponseWriter has neither Flush nor Unwrap",
					"writer", fmt.Sprintf("%T", c.w))
			})
		}
		return err
	}
	c.hub.bytes.Add(uint64(len(b)))
	c.hub.written.Add(uint64(c.cursor.taken))
	c.cursor.taken = 0
	return c.deadline(time.Time{}) // HTTP/2 ends a stream whose deadline passes while nothing is written
}

func (c *conn) deadline(t time.Time) error {
	c.cutting.Lock()
	defer c.cutting.Unlock()
	if c.cut {
		return context.Canceled
	}
	if err := c.out.SetWriteDeadline(t); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// tear ends the stream at once, whether it is in the middle of a write or not.
func (c *conn) tear() {
	c.end(nil)
	c.cutting.Lock()
	defer c.cutting.Unlock()
	if !c.cut {
		c.cut = true
		_ = c.out.SetWriteDeadline(time.Unix(1, 0))
	}
}

// finish lets go of the connection: its handler returns, nobody else may touch it.
func (c *conn) finish() {
	c.cutting.Lock()
	defer c.cutting.Unlock()
	c.cut = true
}
