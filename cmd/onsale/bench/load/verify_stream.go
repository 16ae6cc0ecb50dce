// Verification of one stream: either exactly these events came, each once and in order; or, of a watcher of seats, whose
// frames may be conflated, the last state of each seat is right.

package load

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// StreamVerifier expects events. Err is the first that was wrong.
type StreamVerifier struct {
	Frames int
	Err    error
	want   []Event
	seats  map[int]string // nil: every event is expected; otherwise the latest status of each seat
	last   uint64
}

// NewStreamVerifier expects these events, in the order of their numbers.
func NewStreamVerifier(want []Event) *StreamVerifier { return &StreamVerifier{want: want} }

// NewSeatVerifier expects the state of the seats after these events.
func NewSeatVerifier(want []Event) *StreamVerifier {
	return &StreamVerifier{want: want, seats: map[int]string{}}
}

// Add takes every frame of the stream.
func (c *StreamVerifier) Add(f Frame) {
	switch n := f.Number(); {
	case c.Err != nil:
	case c.seats != nil:
		c.addSeatFrame(f)
	case !f.IsEvent():
	case c.Frames == len(c.want):
		c.Err = fmt.Errorf("%w: event %d comes after the last one", ErrVerification, n)
	case n != c.want[c.Frames].Number:
		c.Err = fmt.Errorf("%w: event %d comes where event %d must, the %dth of %d", ErrVerification, n, c.want[c.Frames].Number, c.Frames+1, len(c.want))
	default:
		c.Frames++
	}
}

// Done says that everything came, or that there is a fault.
func (c *StreamVerifier) Done() bool {
	if c.seats != nil {
		return c.Err != nil || c.last >= c.want[len(c.want)-1].Number
	}
	return c.Err != nil || c.Frames == len(c.want)
}

func (c *StreamVerifier) addSeatFrame(f Frame) {
	if n := f.Number(); n != 0 && n < c.last {
		c.Err = fmt.Errorf("%w: event %d comes after event %d", ErrVerification, n, c.last)
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
		c.Frames++
	}
	if c.Done() {
		c.verifySeats()
	}
}

// verifySeats compares the latest status of each seat with its last event.
func (c *StreamVerifier) verifySeats() {
	wantStatus := map[int]string{}
	for _, e := range c.want {
		wantStatus[e.Seat] = map[bool]string{true: "HELD", false: "AVAILABLE"}[e.Held]
	}
	for seat, status := range wantStatus {
		if c.seats[seat] != status {
			c.Err = fmt.Errorf("%w: seat %d is shown as %q, and is %q", ErrVerification, seat, c.seats[seat], status)
			return
		}
	}
}
