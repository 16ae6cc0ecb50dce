// One stream that is read on demand, so that a test can stall it.

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
)

// Reader is which stream is read, and from where.
type Reader struct {
	Schedule string // "": the user's own stream
	User     string
	After    string // an event id; "": from now on
	Buffer   int    // of the kernel, in bytes; 0: the default
}

// Kind is "schedule" or "user".
func (r Reader) Kind() string {
	if r.Schedule != "" {
		return "schedule"
	}
	return "user"
}

// request is the request for the stream.
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
	if r.Buffer > 0 { // before it connects, since that announces the window
		d.Control = func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { setReceiveBuffer(fd, r.Buffer) })
		}
	}
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// Stream is an open stream whose first frame was read.
type Stream struct {
	Started, Connected time.Time // when the request was sent, and when the first frame came
	LastID             string    // the id of the last frame, to resume from
	conn               *net.TCPConn
	body               io.Reader
	frames             splitter
	in                 []byte
}

// Open requests a stream and reads its first frame.
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

// GrowBuffer gives the stream a receive buffer of the usual size.
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
	s.in = s.in[:1] // reads the first frame and nothing of what follows
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

// ErrRejected is a stream that was answered with nothing but a retry delay.
var ErrRejected = errors.New("a stream was rejected")

// Read calls onFrame for every frame until it returns false.
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
