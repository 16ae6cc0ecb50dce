// How a stream that net/http serves reads the log: in its own goroutine, when its turn has come.
package stream

import "time"

// catchUp serves the cursor from the log up to and with event target, in its turn.
func (c *conn) catchUp(target uint64) error {
	defer c.traces.now(lives)
	c.traces.now(waits)
	t := c.hub.line.enter()
	if err := c.rest(t.turn); err != nil {
		c.hub.line.leave(t)
		return err
	}
	c.traces.now(chases)
	chase := chase{hub: c.hub, ctx: c.ctx, cursor: c.cursor, behind: c.cursor.live, beat: c.beat.C, heartbeat: c.heartbeat}
	chase.write = func(b []byte) error {
		if len(b) == 0 {
			return nil
		}
		giving := time.AfterFunc(yield, chase.stop)
		defer giving.Stop()
		c.cursor = chase.cursor
		chase.cursor.taken = 0
		return c.write(b)
	}
	err := chase.run(t, target)
	c.cursor = chase.cursor
	return err
}
