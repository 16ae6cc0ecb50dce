// One stream, read when somebody asks, so that it can stand still for as long as a test wants.

package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Reader says whose events are read, and after which.
type Reader struct {
	Schedule string // "": those of the user
	User     string
	After    string // an id; "": what comes from now on
	Buffer   int    // the kernel's for it, in bytes; 0: what is usual
}

// Kind is which of the two.
func (r Reader) Kind() string {
	if r.Schedule != "" {
		return "schedule"
	}
	return "user"
}

// request asks for its stream.
func (r Reader) request(host string) string {
	path := "/api/v1/me/events"
	if r.Schedule != "" {
		path = "/api/v1/schedules/" + r.Schedule + "/seats/events"
	}
	head := "GET " + path + "?rewind=0 HTTP/1.1\r\nHost: " + host + "\r\nX-User-Id: " + r.User + "\r\n"
	if r.After != "" {
		head += "Last-Event-ID: " + r.After + "\r\n"
	}
	return head + "Accept: text/event-stream\r\n\r\n"
}

func (r Reader) dial(ctx context.Context, host string) (*net.TCPConn, error) {
	var d net.Dialer
	if r.Buffer > 0 { // before it connects, or the window is announced already
		d.Control = func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, r.Buffer) })
		}
	}
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// Stream is one that is open: its first frame was read.
type Stream struct {
	Started, Connected time.Time // the request went out, the first frame was there
	LastID             string    // the id of the last frame, to come back with
	conn               *net.TCPConn
	body               io.Reader
	frames             splitter
	in                 []byte
}

// Open asks for a stream and reads its first frame.
func Open(ctx context.Context, host string, r Reader) (*Stream, error) {
	conn, err := r.dial(ctx, host)
	if err != nil {
		return nil, err
	}
	s := &Stream{LastID: r.After, conn: conn, in: make([]byte, 64<<10), Started: time.Now()}
	if err := s.connect(r.request(host)); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// GrowBuffer gives it as much room in the kernel as others have.
func (s *Stream) GrowBuffer() { _ = s.conn.SetReadBuffer(1 << 20) }

// Close ends it.
func (s *Stream) Close() { s.conn.Close() }

func (s *Stream) connect(request string) error {
	_ = s.conn.SetDeadline(time.Now().Add(requestTimeout))
	if _, err := io.WriteString(s.conn, request); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(s.conn), nil)
	if err != nil {
		return err
	}
	if s.body = response.Body; response.StatusCode != http.StatusOK {
		return fmt.Errorf("a stream is answered %s", response.Status)
	}
	s.in = s.in[:1] // the first frame and nothing else: what follows stays where it is
	defer func() { s.in = s.in[:cap(s.in)] }()
	var rejectErr error
	err = s.Read(time.Now().Add(requestTimeout), func(f Frame) bool {
		if s.Connected = time.Now(); f.Event != "connect" {
			rejectErr = fmt.Errorf("%w: a stream begins with %q", ErrRejected, f.Event)
		}
		return false
	})
	return errors.Join(err, rejectErr)
}

// ErrRejected is a stream that was told to come back later.
var ErrRejected = errors.New("a stream was turned away")

// Read gives frame after frame until heard wants no more.
func (s *Stream) Read(deadline time.Time, onFrame func(Frame) bool) error {
	_ = s.conn.SetDeadline(deadline)
	for more := true; more; {
		n, err := s.body.Read(s.in)
		s.frames.each(s.in[:n], func(f Frame) {
			if more {
				if len(f.ID) > 0 {
					s.LastID = string(f.ID)
				}
				more = onFrame(f)
			}
		})
		if err != nil && more {
			return err
		}
	}
	return nil
}
