// Two checks on one stream: that exactly these events came, each once and in order; and that a watcher of seats, who may be
// told their latest state instead of every step, knows in the end how all of them are.
package load

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Check expects events. Err is the first that was wrong.
type Check struct {
	Taken int // frames
	Err   error
	want  []Event
	seats map[int]string // nil: every event is expected; otherwise the status of each seat as it was told
	last  uint64
}

// NewCheck expects these, in the order of their numbers.
func NewCheck(want []Event) *Check { return &Check{want: want} }

// NewSeatsCheck expects to be told how these leave the seats.
func NewSeatsCheck(want []Event) *Check { return &Check{want: want, seats: map[int]string{}} }

// Take is given every frame of the stream.
func (c *Check) Take(f Frame) {
	switch n := f.Number(); {
	case c.Err != nil:
	case c.seats != nil:
		c.seat(f)
	case !f.Told():
	case c.Taken == len(c.want):
		c.Err = fmt.Errorf("%w: event %d comes after the last one", ErrBroken, n)
	case n != c.want[c.Taken].Number:
		c.Err = fmt.Errorf("%w: event %d comes where event %d must, the %dth of %d", ErrBroken, n, c.want[c.Taken].Number, c.Taken+1, len(c.want))
	default:
		c.Taken++
	}
}

// Done says that there is nothing more to wait for.
func (c *Check) Done() bool {
	if c.seats != nil {
		return c.Err != nil || c.last >= c.want[len(c.want)-1].Number
	}
	return c.Err != nil || c.Taken == len(c.want)
}

func (c *Check) seat(f Frame) {
	if n := f.Number(); n != 0 && n < c.last {
		c.Err = fmt.Errorf("%w: event %d comes after event %d", ErrBroken, n, c.last)
		return
	}
	c.last = max(c.last, f.Number())
	if f.Event != "connect" && !bytes.Contains(f.Data, heartbeat) {
		var v struct {
			ScheduleSeatID int
			Status         string
		}
		if c.Err = json.Unmarshal(f.Data, &v); c.Err != nil {
			return
		}
		c.seats[v.ScheduleSeatID] = v.Status
		c.Taken++
	}
	if c.Done() {
		c.final()
	}
}

// final compares what was told last of each seat with what became of it last.
func (c *Check) final() {
	became := map[int]string{}
	for _, e := range c.want {
		became[e.Seat] = map[bool]string{true: "HELD", false: "AVAILABLE"}[e.Held]
	}
	for seat, status := range became {
		if c.seats[seat] != status {
			c.Err = fmt.Errorf("%w: seat %d is told to be %q, and is %q", ErrBroken, seat, c.seats[seat], status)
			return
		}
	}
}
