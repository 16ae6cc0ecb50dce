// A burst is what a watcher of seats is told who was up to date and then too slow: the latest status of each seat that
// changed meanwhile, instead of every step. Whoever comes back with an id gets every step, and so do users, always.
//
// Its frames carry no ids but the last, which carries the position of the state that they show. A client that is cut before
// comes back to where the burst began. All are stamped with the log's time of that state: when each seat came into its
// status would be more to remember than the status.
package stream

import (
	"slices"

	"onsale/domain"
	"onsale/domain/seats"
)

// chunk is how many bytes of a burst are written at once. Its reader holds them beside its seats, so they are few.
const chunk = 8 << 10

// burst gathers what is shown of events. Half a byte for each seat of the schedule is all that it keeps.
type burst struct {
	from     Position // what was told before
	full     bool     // the steps are more than a batch; as long as they are not, they are told themselves
	seats    []byte   // four bits for each scheduleSeatId: which one of statuses, from 1
	statuses []seats.Status
	last     int         // the greatest id among them
	steps    int         // frames of the events
	now      domain.Time // of the last event
}

func (b *burst) take(e *domain.Event) {
	b.now = e.Now
	for id, status := range changed(e) {
		nth := slices.Index(b.statuses, status)
		if nth < 0 {
			nth = len(b.statuses)
			b.statuses = append(b.statuses, status)
		}
		if more := id/2 + 1 - len(b.seats); more > 0 {
			b.seats = append(b.seats, make([]byte, more)...)
		}
		half := id % 2 * 4
		b.seats[id/2] = b.seats[id/2]&^(0xf<<half) | byte(nth+1)<<half
		b.last = max(b.last, id)
		b.steps++
	}
}

// status is what seat id came to; "" when nothing became of it.
func (b *burst) status(id int) seats.Status {
	if nth := b.seats[id/2] >> (id % 2 * 4) & 0xf; nth > 0 {
		return b.statuses[nth-1]
	}
	return ""
}

// tell writes the burst. Nobody has a place at the log for that, however long it takes.
func (c *chase) tell() error {
	b, reached, frames := c.burst, c.cursor.at, 0
	c.cursor.at, c.cursor.within, c.telling = b.from, true, true
	out, now := make([]byte, 0, chunk+512), b.now.String()
	for id := range b.last + 1 {
		status := b.status(id)
		if status == "" {
			continue
		}
		if len(out) >= chunk {
			if c.ctx.Err() != nil {
				return c.ctx.Err()
			}
			if err := c.write(out); err != nil {
				return err
			}
			out = out[:0]
		}
		if c.cursor.audience.named() {
			out = appendField(out, "event", seatChange)
		}
		if id == b.last {
			out = appendID(out, c.hub.Epoch, reached)
		}
		out = append(appendSeat(out, id, c.cursor.audience.shown(status), now), '\n')
		c.cursor.taken++
		frames++
	}
	c.hub.encoded.Add(uint64(frames))
	c.hub.bursts.Add(1)
	c.hub.spared.Add(uint64(b.steps - frames))
	c.cursor.at, c.cursor.within = reached, false
	return c.write(out)
}
