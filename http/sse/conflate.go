// Conflation: a stream of seats that was up to date and then too slow gets the latest status of each seat that changed
// meanwhile, instead of every step. Streams that resume with an id get every step, and so do users, always.
//
// The frames of a conflation have no id but the last, whose id is the position of the state that they show. A client that is
// cut before comes back to where the conflation began. All have the log's time of that state: the time of each seat's change
// would take more memory than its status.

package sse

import (
	"slices"

	"onsale/domain"
	"onsale/domain/seats"
	"onsale/http/view"
)

// chunkSize is how many bytes of a conflation are written at once. They are few, because they are kept beside the seats.
const chunkSize = 8 << 10

// conflation gathers the statuses that events lead to, in half a byte for each seat of the schedule.
type conflation struct {
	from     view.Position // where the stream was
	active   bool          // the steps are more than a batch; until then they are sent themselves
	seats    []byte        // four bits for each scheduleSeatId: an index into statuses, from 1
	statuses []seats.Status
	maxID    int
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

// status is the latest status of a seat; "" if it did not change.
func (b *conflation) status(id int) seats.Status {
	if index := b.seats[id/2] >> (id % 2 * 4) & 0xf; index > 0 {
		return b.statuses[index-1]
	}
	return ""
}

// writeConflated writes the conflation. It holds no catch-up slot, however long that takes.
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
		out = view.AppendSeat(out, c.cursor.audience, id, status, now)
		if id == b.maxID {
			out = view.AppendEnd(out, c.hub.Epoch, reached)
		} else {
			out = append(out, '\n')
		}
		c.cursor.frameCount++
		frames++
	}
	c.hub.encoded.Add(uint64(frames))
	c.hub.conflations.Add(1)
	c.hub.conflated.Add(uint64(b.changes - frames))
	c.cursor.at, c.cursor.midConflation = reached, false
	return c.write(out)
}
