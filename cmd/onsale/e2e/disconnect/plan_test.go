package disconnect

import (
	"errors"
	"net"
	"os"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// connPlan is what happens to one connection.
type connPlan struct {
	lastEventID     string        // it resumes from
	query           string        // ?lastEventId=, possibly older
	oneOff          bool          // from another position; the client does not continue from it
	status          string        // expected in the connect frame
	bytes           int           // it is cut after so many bytes,
	time            time.Duration // or so long after the connect frame
	slow            bool          // it reads little at a time, with pauses
	earlyTimeout    bool          // time counts from the request
	stallAt         int           // it stops reading after so many bytes; -1: never
	stall           time.Duration
	smallBuffers    bool // of the sockets
	how             string
	staysAtShutdown bool // it is not cut while the node shuts down
}

// plan draws a random plan.
func (l *flakyClient) plan() connPlan {
	rng := l.rng
	p := connPlan{
		lastEventID: l.lastID, status: "complete", staysAtShutdown: rng.IntN(2) == 0,
		bytes: rng.IntN(harness.Pick(rng, 500, 2000, 6000, 60_000, 1<<30, 1<<30)),
		time:  harness.RandomDuration(rng, time.Duration(harness.Pick(rng, 10, 50, 100, 400))*time.Millisecond),
		slow:  rng.IntN(6) == 0, earlyTimeout: rng.IntN(6) == 0, smallBuffers: rng.IntN(4) == 0, stallAt: -1,
		how: harness.Pick(rng, "close", "close", "reset", "half"),
	}
	switch rng.IntN(40) {
	case 0, 1, 2: // it stalls, and then continues or not
		p.smallBuffers, p.stallAt, p.stall = true, rng.IntN(harness.Pick(rng, 500, 10_000, 200_000)), harness.RandomDuration(rng, 2*time.Second)
		p.bytes, p.time = harness.Pick(rng, p.stallAt, 1<<30), p.stall+time.Second
	case 3: // it stalls for longer than the stream's max age
		if rng.IntN(4) == 0 {
			p.smallBuffers, p.stallAt, p.stall = true, rng.IntN(500), 3500*time.Millisecond
			p.bytes, p.time = 1<<30, time.Minute
		}
	case 4, 5, 6:
		if len(l.seenIDs) > 0 {
			p.oneOff, p.lastEventID = true, l.seenIDs[rng.IntN(len(l.seenIDs))]
		}
	case 7:
		if rng.IntN(2) == 0 {
			p.oneOff, p.lastEventID, p.status = true, "", "fresh"
		}
	case 8:
		p.oneOff, p.lastEventID, p.status = true, harness.Pick(rng, "zzzzzzzz-7", "garbage", l.epoch+"-1.0", l.epoch+"-"), "reset"
	case 9:
		if rng.IntN(4) == 0 { // an id ahead of the log, for which the node waits a while
			p.oneOff, p.lastEventID, p.status, p.time, p.earlyTimeout = true, l.epoch+"-99999999", "reset", harness.RandomDuration(rng, 3*time.Second), true
		}
	}
	switch {
	case p.lastEventID == "" || rng.IntN(3) > 0:
	case rng.IntN(2) == 0:
		p.query, p.lastEventID = p.lastEventID, ""
	default:
		p.query = l.epoch + "-0"
	}
	return p
}

// errCut ends a connection as planned.
var errCut = errors.New("cut")

// limitedConn reads a connection as planned.
type limitedConn struct {
	net.Conn
	client *flakyClient
	*streamConn
}

func (t *limitedConn) Read(b []byte) (int, error) {
	p := &t.plan
	if p.slow {
		harness.Sleep(t.client.trafficCtx, time.Millisecond)
		b = b[:min(len(b), 500)]
	}
	if p.stallAt >= 0 && p.stall > 0 {
		if t.bytesRead >= p.stallAt {
			harness.Sleep(t.client.trafficCtx, p.stall)
			p.stall = 0
		} else {
			b = b[:min(len(b), p.stallAt-t.bytesRead)]
		}
	}
	stays := func() bool { return p.staysAtShutdown && t.client.shuttingDown.Load() }
	switch {
	case t.bytesRead < p.bytes:
		b = b[:min(len(b), p.bytes-t.bytesRead)]
	case stays():
	default:
		t.endErr = errCut
		return 0, errCut
	}
	n, err := t.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) && stays() {
		_ = t.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err = t.Conn.Read(b)
	}
	t.bytesRead, t.endErr = t.bytesRead+n, err
	return n, err
}
