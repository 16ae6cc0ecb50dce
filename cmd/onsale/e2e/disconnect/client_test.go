package disconnect

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unique"

	"golang.org/x/sys/unix"

	"onsale/cmd/onsale/e2e/harness"
)

// flakyClient resumes a stream from its last complete frame, again and again, and is cut each time. Every connection is recorded,
// and compared with the log at the end.
type flakyClient struct {
	*disconnectTest
	path, user string
	rng        *rand.Rand
	epoch      string

	lastID  string   // as EventSource has it, without one-off connections
	seenIDs []string // earlier ids
	conns   []*streamConn
	state   map[string]string // the status of each seat; a promotion's progress and status
}

// streamConn is one connection.
type streamConn struct {
	plan        connPlan
	startID     string // of the connect frame
	frames      []unique.Handle[harness.Frame]
	lastID      string
	setDeadline func(time.Time) error
	bytesRead   int
	endErr      error
	closeNotice bool // a retry delay came
	faults      []string
}

func (v *streamConn) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// run connects until the traffic ends.
func (l *flakyClient) run() {
	for {
		l.connect(l.plan(), nil)
		delay := harness.Pick(l.rng, 0, 0, 0, 20*time.Millisecond, 20*time.Millisecond, 200*time.Millisecond)
		if l.rng.IntN(50) == 0 {
			delay = 2 * time.Second // many events come meanwhile
		}
		if !harness.Sleep(l.trafficCtx, harness.RandomDuration(l.rng, delay+1)) {
			return
		}
	}
}

// catchUp reads without cuts until everything up to the head came.
func (l *flakyClient) catchUp(head string) {
	done := func() bool {
		if l.isPromotion() {
			var progress struct{ Issued int }
			return json.Unmarshal([]byte(l.state["progress"]), &progress) == nil && progress.Issued == l.issued &&
				l.state["status"] == `{"status":"OPEN"}`
		}
		return !harness.Precedes(l.lastID, head)
	}
	for !done() {
		p := connPlan{lastEventID: l.lastID, status: "complete", bytes: 1 << 30, time: 30 * time.Second, how: "settled"}
		l.connect(p, done)
		if !harness.Sleep(l.ctx, 5*time.Millisecond) {
			l.t.Errorf("%s of %s is at %s, and not at %s", l.path, l.user, l.lastID, head)
			return
		}
	}
}

func (l *flakyClient) isPromotion() bool { return strings.Contains(l.path, "/promotions/") }

// connect reads one connection until it is cut as planned, or until done.
func (l *flakyClient) connect(p connPlan, done func() bool) {
	v := &streamConn{plan: p}
	shuttingDown := l.shuttingDown.Load()
	conn, err := l.dial(p.smallBuffers)
	if err != nil {
		if !shuttingDown && !l.shuttingDown.Load() {
			v.fault("not connected: %v", err)
			l.conns = append(l.conns, v)
		}
		return
	}
	defer conn.Close()
	l.conns = append(l.conns, v)
	v.setDeadline = conn.SetReadDeadline
	if p.earlyTimeout {
		_ = v.setDeadline(time.Now().Add(p.time))
	} else {
		_ = v.setDeadline(time.Now().Add(20 * time.Second))
	}
	if done == nil {
		defer context.AfterFunc(l.trafficCtx, func() { _ = conn.SetReadDeadline(time.Now()) })()
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
	if p.lastEventID != "" {
		request += "Last-Event-ID: " + p.lastEventID + "\r\n"
	}
	_, err = io.WriteString(conn, request+"\r\n")
	if err == nil {
		err = l.read(v, bufio.NewReaderSize(&limitedConn{conn, l, v}, 4096), done)
	}
	l.recordEnd(v, conn, err, shuttingDown || l.shuttingDown.Load())
}

// recordEnd checks how the connection ended, by err.
func (l *flakyClient) recordEnd(v *streamConn, conn *net.TCPConn, err error, shuttingDown bool) {
	switch {
	case errors.Is(err, errCut), errors.Is(err, os.ErrDeadlineExceeded):
		l.cutCount.Add(1)
		if l.observe("cut: " + v.plan.how); v.startID == "" {
			l.observe("cut before the first frame")
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
				v.fault("half-closed by the client, and the node keeps it open")
			}
		}
	case errors.Is(err, io.EOF):
		switch {
		case v.closeNotice && v.startID == "":
			l.observe("rejected")
		case v.closeNotice:
			l.observe("closed with a retry delay")
		case v.plan.stall == 0 && v.plan.stallAt >= 0:
			l.observe("cut off by the node")
			l.cutCount.Add(1)
		case v.bytesRead > 0 && v.bytesRead < socketBuffer: // a close notice would have fitted
			v.fault("it ended after %d bytes without a retry delay", v.bytesRead)
		case v.bytesRead == 0 && !shuttingDown:
			v.fault("it ended without a byte")
		default:
			l.observe("ended in the middle")
		}
	case errors.Is(err, errDone):
	case !shuttingDown:
		v.fault("%v after %d bytes", err, v.bytesRead)
	}
	if v.plan.staysAtShutdown && shuttingDown && errors.Is(err, io.EOF) && v.closeNotice && v.startID != "" {
		l.observe(closedAtShutdown)
	}
}

var errDone = errors.New("done")

// dial connects; small buffers hold only a few frames, on both sides.
func (l *flakyClient) dial(small bool) (*net.TCPConn, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	if small {
		dialer.Control = setSmallBuffers
	}
	conn, err := dialer.DialContext(l.ctx, "tcp", l.node.Addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// setSmallBuffers keeps few bytes in flight.
func setSmallBuffers(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 600)
	})
}

// read parses a response as a browser does, but strictly: unknown or repeated fields are faults.
func (l *flakyClient) read(v *streamConn, b *bufio.Reader, done func() bool) error {
	response, err := http.ReadResponse(b, nil)
	if err != nil && v.endErr != nil {
		return v.endErr
	}
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		v.fault("got %s %s, after which EventSource does not reconnect", response.Status, response.Header.Get("Content-Type"))
		return errCut
	}
	body := bufio.NewReader(response.Body)
	var f harness.Frame
	data := false
	for {
		line, err := body.ReadString('\n')
		if err != nil {
			return err
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case v.closeNotice:
			v.fault("%q came after the close notice", line)
		case f.ID != "" && line != "":
			v.fault("%q came after the frame's id", line)
		case line == "" && data:
			l.handleFrame(v, f)
			if done != nil && done() {
				return errDone
			}
		case line == ":":
		case name == "id" && f.ID == "":
			f.ID = value
		case name == "event" && f.Event == "":
			f.Event = value
		case name == "data" && !data:
			f.Data, data = value, true
		case name == "retry":
			if ms, err := strconv.Atoi(value); err != nil || ms < 2000 {
				v.fault("the retry delay is %q", value)
			}
			v.closeNotice = f.Event == "" // else it is the connect frame's
		default:
			v.fault("unexpected line %q", line)
		}
		if line == "" {
			f, data = harness.Frame{}, false
		}
	}
}

// handleFrame checks one complete frame.
func (l *flakyClient) handleFrame(v *streamConn, f harness.Frame) {
	p := &v.plan
	if v.startID == "" {
		var connectData struct{ Status, From, Head, Snapshot string }
		err := json.Unmarshal([]byte(f.Data), &connectData)
		lastEventID := p.lastEventID
		if lastEventID == "" {
			lastEventID = p.query
		}
		if err != nil || f.Event != "connect" || f.ID == "" || connectData.From != f.ID || connectData.Status != p.status ||
			p.status == "complete" && f.ID != lastEventID || (p.status == "reset") != (connectData.Snapshot != "") {
			v.fault("resumed from %q and got %+v, want %q", lastEventID, f, p.status)
		}
		l.observe("connected: " + connectData.Status)
		if strings.Contains(lastEventID, ".") && p.status == "complete" {
			l.observe("resumed within an event")
		}
		v.startID, v.lastID = f.ID, f.ID
		_ = v.setDeadline(time.Now().Add(p.time))
		return
	}
	promotion := l.isPromotion()
	heartbeat := f.Event == "heartbeat" || strings.Contains(f.Data, `"isHeartbeat":true`)
	if heartbeat {
		f.Event, f.Data = "heartbeat", ""
	}
	if f.ID != "" {
		if harness.Precedes(f.ID, v.lastID) || f.ID == v.lastID && !heartbeat && !promotion {
			v.fault("%+v came after %s", f, v.lastID)
		}
		v.lastID = f.ID
	}
	if !promotion {
		v.frames = append(v.frames, unique.Make(f))
	}
	if p.oneOff {
		return
	}
	if l.lastID = v.lastID; f.ID != "" {
		if len(l.seenIDs) < 3000 {
			l.seenIDs = append(l.seenIDs, f.ID)
		} else {
			l.seenIDs[l.rng.IntN(len(l.seenIDs))] = f.ID
		}
	}
	switch {
	case heartbeat:
	case promotion:
		l.state[f.Event] = f.Data
	default:
		if seat, status := parseSeat(f.Data); seat != "" {
			l.state[seat] = status
		}
	}
}

// parseSeat parses the data of a seat's frame.
func parseSeat(data string) (seat, status string) {
	data, ok := strings.CutPrefix(data, `{"scheduleSeatId":`)
	if !ok {
		return "", ""
	}
	seat, data, _ = strings.Cut(data, `,"status":"`)
	status, _, _ = strings.Cut(data, `"`)
	return seat, status
}
