// One stream that is read on demand, so that a test can stall it, and the parsing of frames: no scanner, and no copy unless a
// frame is split, since readers must cost less than the server.

package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
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
		if err == io.EOF && s.Connected.IsZero() && s.frames.atRetry() {
			return ErrRejected
		}
		if err != nil && more {
			return err
		}
	}
	return nil
}

// Frame is one frame of a stream. Its bytes are valid until the next one is read.
type Frame struct {
	Event    string // "" for none
	ID, Data []byte
}

// IsEvent says that the frame is an event, and no connect or heartbeat frame.
func (f Frame) IsEvent() bool {
	return f.Event != "connect" && f.Event != "heartbeat" && len(f.ID) > 0 && !bytes.Contains(f.Data, heartbeat)
}

// Number is the event number; 0: none.
func (f Frame) Number() uint64 { return eventNumber(f.ID) }

// eventNumber is the n of <epoch>-<n>; 0: none.
func eventNumber(id []byte) uint64 {
	n, _ := strconv.ParseUint(string(id[bytes.LastIndexByte(id, '-')+1:]), 10, 64)
	return n
}

var (
	frameEnd  = []byte("\n\n")
	heartbeat = []byte(`"isHeartbeat":true`)
)

func parseFrame(b []byte) (f Frame) {
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(bytes.TrimSuffix(line, frameEnd[:1]), []byte(": "))
		switch string(name) {
		case "event":
			f.Event = string(value)
		case "id":
			f.ID = value
		case "data":
			f.Data = value
		}
	}
	return f
}

// splitter splits a stream into frames.
type splitter struct{ partial []byte }

// each calls onFrame for every complete frame, and keeps the rest.
func (s *splitter) each(b []byte, onFrame func(Frame)) {
	if len(s.partial) > 0 {
		s.partial = append(s.partial, b...)
		b = s.partial
	}
	for end := bytes.Index(b, frameEnd); end >= 0; end = bytes.Index(b, frameEnd) {
		onFrame(parseFrame(b[:end+1]))
		b = b[end+len(frameEnd):]
	}
	s.partial = append(s.partial[:0], b...)
}

// atRetry says that the line of a retry delay is all there is after the last frame. If no frame comes after it, the stream was
// closed by the node.
func (s *splitter) atRetry() bool { return bytes.HasPrefix(s.partial, []byte("retry: ")) }

// chunkDecoder decodes a chunked body that arrives in pieces.
type chunkDecoder struct {
	remaining, size int
	hasSize         bool // digits of a size were seen
	done            bool // the last chunk was seen
}

// decode returns the part of b that is body, in place.
func (c *chunkDecoder) decode(b []byte) []byte {
	out := b[:0]
	for len(b) > 0 {
		if c.remaining > 0 {
			n := min(c.remaining, len(b))
			out = append(out, b[:n]...)
			b, c.remaining = b[n:], c.remaining-n
			continue
		}
		switch d := b[0]; {
		case d == '\n': // after a size, or after a chunk
			c.done = c.done || c.hasSize && c.size == 0
			c.remaining, c.size, c.hasSize = c.size, 0, false
		case d >= '0' && d <= '9':
			c.size, c.hasSize = c.size<<4+int(d-'0'), true
		case d >= 'a' && d <= 'f':
			c.size, c.hasSize = c.size<<4+int(d-'a')+10, true
		}
		b = b[1:]
	}
	return out
}
