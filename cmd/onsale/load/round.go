// A round: one event, and when each of a crowd had it.
package load

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Round counts from when the command was sent.
type Round struct {
	First, Last time.Duration
	Each        []time.Duration // in the order of arrival
}

// Round tells one event that everybody in the crowd must have, exactly once.
func (c *Crowd) Round(ctx context.Context, tell func() (Event, error)) (Round, error) {
	if stray := c.Take(); len(stray) > 0 {
		return Round{}, fmt.Errorf("%w: event %d came to stream %d once more, or unasked", ErrBroken, stray[0].Number, stray[0].Reader+1)
	}
	e, err := tell()
	if err != nil {
		return Round{}, err
	}
	err = c.Await(ctx, c.Size())
	if err != nil && !errors.Is(err, errLate) {
		return Round{}, err
	}
	return c.round(e, c.Take())
}

func (c *Crowd) round(e Event, heard []Arrival) (Round, error) {
	var r Round
	has := make([]bool, c.Size())
	for _, a := range heard {
		if a.Number != e.Number || has[a.Reader] {
			return r, fmt.Errorf("%w: stream %d has event %d, and event %d was made", ErrBroken, a.Reader+1, a.Number, e.Number)
		}
		has[a.Reader] = true
		r.Each = append(r.Each, a.At.Sub(e.Due))
	}
	if len(r.Each) < len(has) {
		return r, fmt.Errorf("%w: event %d came to %d of %d streams within %v", ErrBroken, e.Number, len(r.Each), len(has), patience)
	}
	r.First, r.Last = r.Each[0], r.Each[len(r.Each)-1]
	return r, nil
}

// Size is how many streams there are.
func (c *Crowd) Size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// Await waits until so many events have arrived since the last Take.
func (c *Crowd) Await(ctx context.Context, n int) error {
	return c.wait(ctx, func() bool { return len(c.heard) >= n })
}

// Take gives what has arrived since the last one, in order.
func (c *Crowd) Take() []Arrival {
	c.mu.Lock()
	defer c.mu.Unlock()
	heard := c.heard
	c.heard = nil
	return heard
}

// Err is why a stream ended, or what was wrong with one.
func (c *Crowd) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
