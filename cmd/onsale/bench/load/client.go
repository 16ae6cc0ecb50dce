// The load itself: each connection sends one command after the other and keeps the responses.

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// acceptedCommand is a command that was accepted.
type acceptedCommand struct {
	k        int
	sequence uint64
}

// client is one connection. Only its own goroutine uses it while the load runs.
type client struct {
	run        *Run
	connection connection
	request    []byte
	accepted   []acceptedCommand
	sent       int
	unanswered int
	lastErr    error
	refused    map[string]int
	latency    *hdrhistogram.Histogram
}

// newHistogram counts microseconds up to ten minutes, to three digits.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(10*time.Minute/time.Microsecond), 3)
}

func (r *Run) newClient() *client {
	return &client{run: r, connection: connection{host: r.host}, refused: map[string]int{}, latency: newHistogram()}
}

var errUnreachable = errors.New("the node does not answer any more")

// sendAll sends commands until there are no more slots. It gives up after ten failures in a row.
func (s *client) sendAll(ctx context.Context, p *pacer) error {
	defer s.connection.close()
	for failed := 0; ; {
		t, ok := p.nextSlot(ctx)
		if !ok {
			return nil
		}
		if s.send(t); s.lastErr == nil {
			failed = 0
			continue
		}
		if failed++; failed == 10 {
			return fmt.Errorf("%w: %w", errUnreachable, s.lastErr)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (s *client) send(t slot) {
	user, key, id := s.run.identity(t.k)
	reader := s.run.readers[t.k%s.run.Users]
	if reader != nil {
		reader.expect(id, t.due)
	}
	s.request = s.run.sale.appendRequest(s.request[:0], s.run.host, user, key, t.k)
	s.sent++
	status, body, err := s.connection.exchange(s.request)
	if s.lastErr = err; err != nil {
		s.unanswered++
		if reader != nil {
			reader.forget(id) // whether it was accepted is unknown
		}
		return
	}
	_ = s.latency.RecordValue(int64(time.Since(t.due) / time.Microsecond))
	if sequence := parseSequence(body); sequence != 0 && bytes.Contains(body, id[:]) {
		s.accepted = append(s.accepted, acceptedCommand{t.k, sequence})
		return
	}
	if reader != nil {
		reader.forget(id)
	}
	if s.run.What == Nothing && status == http.StatusAccepted {
		return
	}
	code, ok := between(body, `"code":"`, '"')
	if !ok {
		code = []byte("status " + strconv.Itoa(status))
	}
	s.refused[string(code)]++
}

// parseSequence is the sequence in a response; 0: the command was not accepted.
func parseSequence(body []byte) uint64 {
	text, ok := between(body, `"sequence":`, ',')
	if !ok {
		return 0
	}
	n, _ := strconv.ParseUint(string(bytes.TrimRight(text, "}")), 10, 64)
	return n
}

// requestTimeout bounds a response. A node answers commands far sooner in any case.
const requestTimeout = 40 * time.Second

// connection sends one request at a time. It has no parser: the head of a response is searched for the few bytes that matter.
type connection struct {
	host string
	conn net.Conn // nil: to be dialled
	in   []byte
}

// exchange sends a request and returns the response; body is valid until the next one. A broken connection is dialled again
// and the request repeated, which its key makes safe.
func (c *connection) exchange(request []byte) (status int, body []byte, err error) {
	for range 2 {
		if c.conn == nil {
			if c.conn, err = net.Dial("tcp", c.host); err != nil {
				c.conn = nil
				return 0, nil, err
			}
		}
		if status, body, err = c.roundTrip(request); err == nil {
			return status, body, nil
		}
		c.close()
	}
	return 0, nil, err
}

func (c *connection) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

var headerEnd = []byte("\r\n\r\n")

func (c *connection) roundTrip(request []byte) (status int, body []byte, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	in, head, length := c.in[:0], -1, 0
	for head < 0 || len(in) < head+length {
		if len(in) == cap(in) {
			in = append(in, make([]byte, max(4096, cap(in)))...)[:len(in)]
		}
		n, err := c.conn.Read(in[len(in):cap(in)])
		if err != nil {
			return 0, nil, err
		}
		in = in[:len(in)+n]
		if head >= 0 {
			continue
		}
		if i := bytes.Index(in, headerEnd); i >= 0 {
			head = i + len(headerEnd)
			if status, length, err = readHead(in[:head]); err != nil {
				return 0, nil, err
			}
		}
	}
	c.in = in
	if bytes.Contains(in[:head], []byte("\r\nConnection: close\r\n")) {
		c.close()
	}
	return status, in[head : head+length], nil
}

func readHead(head []byte) (status, length int, err error) {
	if len(head) < len("HTTP/1.1 200 ") || !bytes.HasPrefix(head, []byte("HTTP/1.1 ")) {
		return 0, 0, errors.New("the response is not HTTP/1.1")
	}
	if status, err = strconv.Atoi(string(head[9:12])); err != nil {
		return 0, 0, fmt.Errorf("a response has the status %q", head[9:12])
	}
	text, ok := between(head, "\r\nContent-Length: ", '\r')
	if !ok {
		return 0, 0, fmt.Errorf("a response with status %d has no length", status)
	}
	length, err = strconv.Atoi(string(text))
	return status, length, err
}

// between is what follows text, up to end.
func between(b []byte, text string, end byte) ([]byte, bool) {
	i := bytes.Index(b, []byte(text))
	if i < 0 {
		return nil, false
	}
	b = b[i+len(text):]
	if i = bytes.IndexByte(b, end); i < 0 {
		return nil, false
	}
	return b[:i], true
}
