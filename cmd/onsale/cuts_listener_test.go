// A listener comes back with the id of the last frame that came whole, and is cut again. Each of its visits is written
// down, to be held against the log in the end.

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unique"

	"golang.org/x/sys/unix"
)

type listener struct {
	*cutting
	path, user string
	dice       *rand.Rand
	epoch      string

	last   string   // as EventSource has it; what an errand brought is not taken over
	recent []string // ids it had before
	visits []*visit
	screen map[string]string // the status of each seat; of a promotion its progress and its status
}

// visit is one connection.
type visit struct {
	plan   plan
	from   string // what it was greeted with
	frames []unique.Handle[seenFrame]
	at     string                // the last id on it
	limit  func(time.Time) error // its time
	seen   int                   // bytes
	ended  error                 // why there are no more
	bye    bool                  // it was told when to come back
	faults []string
}

func (v *visit) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// live is a listener's life in the storm.
func (l *listener) live() {
	for {
		l.visit(l.plan(), nil)
		wait := oneOf(l.dice, 0, 0, 0, 20*time.Millisecond, 20*time.Millisecond, 200*time.Millisecond)
		if l.dice.IntN(50) == 0 {
			wait = 2 * time.Second // much happens meanwhile
		}
		if !pause(l.storm, some(l.dice, wait+1)) {
			return
		}
	}
}

// settle reads on undisturbed until everything up to the head was seen.
func (l *listener) settle(head string) {
	reached := func() bool {
		if l.ofPromotion() {
			var progress struct{ Issued int }
			return json.Unmarshal([]byte(l.screen["progress"]), &progress) == nil && progress.Issued == l.issued &&
				l.screen["status"] == `{"status":"OPEN"}`
		}
		return !before(l.last, head)
	}
	for !reached() {
		p := plan{came: l.last, status: "complete", bytes: 1 << 30, time: 30 * time.Second, how: "settled"}
		l.visit(p, reached)
		if !pause(l.ctx, 5*time.Millisecond) {
			l.t.Errorf("%s of %s has come to %s, and not to %s", l.path, l.user, l.last, head)
			return
		}
	}
}

func (l *listener) ofPromotion() bool { return strings.Contains(l.path, "/promotions/") }

// visit comes, reads, and is cut. With enough it stays until that is so.
func (l *listener) visit(p plan, enough func() bool) {
	v := &visit{plan: p}
	ending := l.ending.Load()
	conn, err := l.dial(p.narrow)
	if err != nil {
		if !ending && !l.ending.Load() {
			v.fault("there was nobody: %v", err)
			l.visits = append(l.visits, v)
		}
		return
	}
	defer conn.Close()
	l.visits = append(l.visits, v)
	v.limit = conn.SetReadDeadline
	if p.hasty {
		_ = v.limit(time.Now().Add(p.time))
	} else {
		_ = v.limit(time.Now().Add(20 * time.Second))
	}
	if enough == nil {
		defer context.AfterFunc(l.storm, func() { _ = conn.SetReadDeadline(time.Now()) })()
	}
	address, separator := l.path, "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	request := "GET " + address
	if p.query != "" {
		request += separator + "lastEventId=" + p.query
	}
	request += " HTTP/1.1\r\nHost: onsale\r\nX-User-Id: " + l.user + "\r\n"
	if p.came != "" {
		request += "Last-Event-ID: " + p.came + "\r\n"
	}
	_, err = io.WriteString(conn, request+"\r\n")
	if err == nil {
		err = l.read(v, bufio.NewReaderSize(&throat{conn, l, v}, 4096), enough)
	}
	l.over(v, conn, err, ending || l.ending.Load())
}

// over is after the visit: err is what ended it.
func (l *listener) over(v *visit, conn *net.TCPConn, err error, ending bool) {
	switch {
	case errors.Is(err, errCut), errors.Is(err, os.ErrDeadlineExceeded):
		l.cuts.Add(1)
		if l.saw("cut: " + v.plan.how); v.from == "" {
			l.saw("cut before the first frame")
		}
		switch v.plan.how {
		case "reset":
			_ = conn.SetLinger(0)
		case "half":
			_ = conn.CloseWrite()
			limit := time.Now().Add(20 * time.Second)
			for err = os.ErrDeadlineExceeded; errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(limit); {
				_ = conn.SetReadDeadline(limit)
				_, err = io.Copy(io.Discard, conn)
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				v.fault("it was closed on this side, and stays open on the other")
			}
		}
	case errors.Is(err, io.EOF):
		switch {
		case v.bye && v.from == "":
			l.saw("turned away")
		case v.bye:
			l.saw("sent away")
		case v.plan.stall == 0 && v.plan.stallAt >= 0:
			l.saw("given up by the node")
			l.cuts.Add(1)
		case v.seen > 0 && v.seen < alwaysFits: // there was room for a good-bye
			v.fault("it ended after %d bytes without a time to come back", v.seen)
		case v.seen == 0 && !ending:
			v.fault("it ended without a word")
		default:
			l.saw("ended in the middle")
		}
	case errors.Is(err, errEnough):
	case !ending:
		v.fault("%v after %d bytes", err, v.seen)
	}
	if v.plan.stays && ending && errors.Is(err, io.EOF) && v.bye && v.from != "" {
		l.saw(atTheEnd)
	}
}

var errEnough = errors.New("enough")

// dial connects; a narrow one has room for a few frames only, on both sides.
func (l *listener) dial(narrow bool) (*net.TCPConn, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	if narrow {
		dialer.Control = strait
	}
	conn, err := dialer.DialContext(l.ctx, "tcp", l.box.addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// strait makes a connection on which little is on its way.
func strait(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 600)
	})
}
