// A burst is what a watcher of seats is told who was up to date and then too slow: the latest status of each seat that
// changed meanwhile, instead of every step. Whoever comes back with an id gets every step, and so do users, always.
//
// Its frames carry no ids but the last, which carries the position of the state that they show. A client that is cut before
// comes back to where the burst began. All are stamped with the log's time of that state: when each seat came into its
// status would be more to remember than the status.

package sse

import (
	"onsale/http/view"
	"slices"

	"onsale/domain"
	"onsale/domain/seats"
)

// chunkSize is how many bytes of a burst are written at once. Its reader holds them beside its seats, so they are few.
const chunkSize = 8 << 10

// conflation gathers what is shown of events. Half a byte for each seat of the schedule is all that it keeps.
type conflation struct {
	from     view.Position // what was told before
	active   bool          // the steps are more than a batch; as long as they are not, they are told themselves
	seats    []byte        // four bits for each scheduleSeatId: which one of statuses, from 1
	statuses []seats.Status
	maxID    int         // the greatest id among them
	changes  int         // frames of the events
	now      domain.Time // of the last event
}

func (b *conflation) add(e *domain.Event) {
	b.now = e.Now
	for id, status := range view.SeatChanges(e) {
		index := slices.Index(b.statuses, status)
		if index < 0 {
			index = len(b.statuses)
			b.statuses = append(b.statuses, status)
		}
		if more := id/2 + 1 - len(b.seats); more > 0 {
			b.seats = append(b.seats, make([]byte, more)...)
		}
		shift := id % 2 * 4
		b.seats[id/2] = b.seats[id/2]&^(0xf<<shift) | byte(index+1)<<shift
		b.maxID = max(b.maxID, id)
		b.changes++
	}
}

// status is what seat id came to; "" when nothing became of it.
func (b *conflation) status(id int) seats.Status {
	if index := b.seats[id/2] >> (id % 2 * 4) & 0xf; index > 0 {
		return b.statuses[index-1]
	}
	return ""
}

// writeConflated writes the burst. Nobody has a place at the log for that, however long it takes.
func (c *catchUp) writeConflated() error {
	b, reached, frames := c.conflation, c.cursor.at, 0
	c.cursor.at, c.cursor.midConflation, c.writingConflation = b.from, true, true
	out, now := make([]byte, 0, chunkSize+512), b.now.String()
	for id := range b.maxID + 1 {
		status := b.status(id)
		if status == "" {
			continue
		}
		if len(out) >= chunkSize {
			if c.ctx.Err() != nil {
				return c.ctx.Err()
			}
			if err := c.write(out); err != nil {
				return err
			}
			out = out[:0]
		}
		var idField []byte
		if id == b.maxID {
			idField = view.AppendID(nil, c.hub.Epoch, reached)
		}
		out = view.AppendSeat(out, c.cursor.audience, idField, id, status, now)
		c.cursor.frameCount++
		frames++
	}
	c.hub.encoded.Add(uint64(frames))
	c.hub.conflations.Add(1)
	c.hub.conflated.Add(uint64(b.changes - frames))
	c.cursor.at, c.cursor.midConflation = reached, false
	return c.write(out)
}
