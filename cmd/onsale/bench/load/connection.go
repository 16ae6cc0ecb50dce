// One connection, one request at a time, no parser: the head of a response is searched for the few bytes that matter.

package load

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// requestTimeout bounds a response. A node answers commands far sooner in any case.
const requestTimeout = 40 * time.Second

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
