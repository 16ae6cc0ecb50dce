// What shall become of a visit: the dice, and a connection that gives no more than they want.

package main

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"time"
)

// plan is what shall become of a visit.
type plan struct {
	came    string        // the id it comes with
	query   string        // an older one, that the page was opened with
	errand  bool          // not to go on, but to see what comes from elsewhere
	status  string        // that it wants to be greeted with
	bytes   int           // it is cut after so many,
	time    time.Duration // or so long after it was greeted
	slow    bool          // it reads a little at once, and rests
	hasty   bool          // its time runs before it has heard anything
	stallAt int           // after so many it stops reading
	stall   time.Duration
	narrow  bool // its system takes but a few bytes for it
	how     string
	stays   bool // when the node ends, it waits for what it is told
}

// plan throws the dice.
func (l *listener) plan() plan {
	d := l.dice
	p := plan{
		came: l.last, status: "complete", stays: d.IntN(2) == 0,
		bytes: d.IntN(oneOf(d, 500, 2000, 6000, 60_000, 1<<30, 1<<30)),
		time:  some(d, time.Duration(oneOf(d, 10, 50, 100, 400))*time.Millisecond),
		slow:  d.IntN(6) == 0, hasty: d.IntN(6) == 0, narrow: d.IntN(4) == 0, stallAt: -1,
		how: oneOf(d, "close", "close", "reset", "half"),
	}
	switch d.IntN(40) {
	case 0, 1, 2: // it stops reading, and then goes on or not
		p.narrow, p.stallAt, p.stall = true, d.IntN(oneOf(d, 500, 10_000, 200_000)), some(d, 2*time.Second)
		p.bytes, p.time = oneOf(d, p.stallAt, 1<<30), p.stall+time.Second
	case 3: // for longer than its stream may live
		if d.IntN(4) == 0 {
			p.narrow, p.stallAt, p.stall = true, d.IntN(500), 3500*time.Millisecond
			p.bytes, p.time = 1<<30, time.Minute
		}
	case 4, 5, 6:
		if len(l.recent) > 0 {
			p.errand, p.came = true, l.recent[d.IntN(len(l.recent))]
		}
	case 7:
		if d.IntN(2) == 0 {
			p.errand, p.came, p.status = true, "", "fresh"
		}
	case 8:
		p.errand, p.came, p.status = true, oneOf(d, "zzzzzzzz-7", "garbage", l.epoch+"-1.0", l.epoch+"-"), "reset"
	case 9:
		if d.IntN(4) == 0 { // is ahead of everybody, which the node takes a while to believe
			p.errand, p.came, p.status, p.time, p.hasty = true, l.epoch+"-99999999", "reset", some(d, 3*time.Second), true
		}
	}
	switch {
	case p.came == "" || d.IntN(3) > 0:
	case d.IntN(2) == 0:
		p.query, p.came = p.came, ""
	default:
		p.query = l.epoch + "-0"
	}
	return p
}

func oneOf[T any](d *rand.Rand, from ...T) T { return from[d.IntN(len(from))] }

// errCut is what a reader gets who had enough.
var errCut = errors.New("cut")

// throat is a connection as far as the plan wants it read.
type throat struct {
	net.Conn
	listener *listener
	*visit
}

func (t *throat) Read(b []byte) (int, error) {
	p := &t.plan
	if p.slow {
		pause(t.listener.storm, time.Millisecond)
		b = b[:min(len(b), 500)]
	}
	if p.stallAt >= 0 && p.stall > 0 {
		if t.seen >= p.stallAt {
			pause(t.listener.storm, p.stall)
			p.stall = 0
		} else {
			b = b[:min(len(b), p.stallAt-t.seen)]
		}
	}
	waits := func() bool { return p.stays && t.listener.ending.Load() }
	switch {
	case t.seen < p.bytes:
		b = b[:min(len(b), p.bytes-t.seen)]
	case waits():
	default:
		t.ended = errCut
		return 0, errCut
	}
	n, err := t.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) && waits() {
		_ = t.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err = t.Conn.Read(b)
	}
	t.seen, t.ended = t.seen+n, err
	return n, err
}
