// When the next command is due. In a closed loop that is as soon as a connection is free; in an open one the clock says so,
// and a command that has to wait for a connection is late from then on: its latency counts from when it was due.
package load

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// turn is one command to be sent.
type turn struct {
	k   int
	due time.Time
}

// pace hands out turns to many connections.
type pace struct {
	plan Plan
	last int // commands; -1: as many as come before end
	end  time.Time
	next atomic.Int64
	open chan turn // nil in a closed loop
}

func startPace(ctx context.Context, p Plan) *pace {
	c := &pace{plan: p, last: -1}
	if p.Commands > 0 {
		c.last = p.Commands
	}
	start := time.Now() // of both clocks: a late goroutine must not strike less often
	if p.Duration > 0 {
		c.end = start.Add(p.Duration)
	}
	if p.Rate > 0 {
		c.open = make(chan turn, 1<<16)
		go c.strike(ctx, start)
	}
	return c
}

// take gives the next turn; false: that was all.
func (c *pace) take(ctx context.Context) (turn, bool) {
	if c.open != nil {
		t, ok := <-c.open
		return t, ok && ctx.Err() == nil
	}
	t := turn{int(c.next.Add(1)) - 1, time.Now()}
	return t, !c.over(t) && ctx.Err() == nil
}

func (c *pace) over(t turn) bool {
	return c.last >= 0 && t.k >= c.last || !c.end.IsZero() && !t.due.Before(c.end)
}

// strike sleeps in the kernel on a thread of its own: Go's timers wake up to a millisecond late on a quiet machine, which
// is more than an answer takes.
func (c *pace) strike(ctx context.Context, start time.Time) {
	runtime.LockOSThread()
	defer close(c.open)
	for k := 0; ctx.Err() == nil; k++ {
		t := turn{k, start.Add(time.Duration(float64(k) / c.plan.Rate * float64(time.Second)))}
		if c.over(t) {
			return
		}
		for wait := time.Until(t.due); wait > 0 && ctx.Err() == nil; wait = time.Until(t.due) {
			timeout := unix.NsecToTimeval(int64(min(wait, 100*time.Millisecond)))
			_, _ = unix.Select(0, nil, nil, nil, &timeout) // a signal may end it early; the loop looks again
		}
		select {
		case c.open <- t:
		case <-ctx.Done():
		}
	}
}
