// When commands are sent. In a closed loop that is as soon as a connection is free. In an open loop it is by the clock, and the
// latency of a command that has to wait for a connection counts from when it was due.

package load

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// slot is one command to be sent.
type slot struct {
	k   int
	due time.Time
}

// pacer gives slots to many connections.
type pacer struct {
	plan     Plan
	limit    int // commands; -1: as many as fit before the deadline
	deadline time.Time
	next     atomic.Int64
	slots    chan slot // nil in a closed loop
}

func startPacer(ctx context.Context, p Plan) *pacer {
	c := &pacer{plan: p, limit: -1}
	if p.Commands > 0 {
		c.limit = p.Commands
	}
	start := time.Now() // before the goroutine starts: the schedule does not depend on when that is
	if p.Duration > 0 {
		c.deadline = start.Add(p.Duration)
	}
	if p.Rate > 0 {
		c.slots = make(chan slot, 1<<16)
		go c.generate(ctx, start)
	}
	return c
}

// nextSlot returns the next slot; false: there are no more.
func (c *pacer) nextSlot(ctx context.Context) (slot, bool) {
	if c.slots != nil {
		t, ok := <-c.slots
		return t, ok && ctx.Err() == nil
	}
	t := slot{int(c.next.Add(1)) - 1, time.Now()}
	return t, !c.done(t) && ctx.Err() == nil
}

func (c *pacer) done(t slot) bool {
	return c.limit >= 0 && t.k >= c.limit || !c.deadline.IsZero() && !t.due.Before(c.deadline)
}

// generate sleeps in the kernel on a thread of its own: Go's timers fire up to a millisecond late on a quiet machine, which is
// more than a response takes.
func (c *pacer) generate(ctx context.Context, start time.Time) {
	runtime.LockOSThread()
	defer close(c.slots)
	for k := 0; ctx.Err() == nil; k++ {
		t := slot{k, start.Add(time.Duration(float64(k) / c.plan.Rate * float64(time.Second)))}
		if c.done(t) {
			return
		}
		for wait := time.Until(t.due); wait > 0 && ctx.Err() == nil; wait = time.Until(t.due) {
			sleepThread(min(wait, 100*time.Millisecond))
		}
		select {
		case c.slots <- t:
		case <-ctx.Done():
		}
	}
}
