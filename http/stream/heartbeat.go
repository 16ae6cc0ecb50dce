// Waiting, with heartbeats. They keep proxies from closing a quiet stream, let a page notice a dead one, and move the id
// that a quiet reader would come back with.
package stream

import "onsale/domain"

// glance looks at the clock without sleeping.
func (c *conn) glance() {
	select {
	case <-c.beat.C:
		c.due = true
	default:
	}
}

// rest sleeps on the way to the log until there is something on ch, with heartbeats.
func (c *conn) rest(ch <-chan struct{}) error {
	for {
		select {
		case <-ch:
			return nil
		case <-c.beat.C:
			if err := c.heartbeat(); err != nil {
				return err
			}
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}

func (c *conn) heartbeat() error {
	c.due = false
	return c.write(c.hub.heartbeat(nil, &c.cursor))
}

// heartbeat says that nothing was missed up to the stream's own position, so that a quiet reader's id keeps up. In the
// middle of an event or a burst it is only a comment, which keeps the connection open.
func (h *Hub) heartbeat(b []byte, c *cursor) []byte {
	if c.at.Sub != 0 || c.within {
		return append(b, ":\n\n"...)
	}
	if c.topic.key.Kind != OfSchedule {
		b = appendField(b, "event", "heartbeat")
		return append(appendID(b, h.Epoch, c.at), "data:\n\n"...)
	}
	b = appendID(b, h.Epoch, c.at)
	b = append(b, `data: {"scheduleSeatId":-1,"status":null,"timestamp":"`...)
	b = append(b, domain.At(h.Now()).String()...)
	return append(b, "\",\"isHeartbeat\":true}\n\n"...)
}
