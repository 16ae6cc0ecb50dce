// Commands on their connections: each connection has one in flight.

package load

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

type connection struct {
	fd int
	k  int // the command in flight; -1: none
	in []byte
	n  int // bytes of in that are filled
}

func (c *connection) close() { _ = syscall.Close(c.fd) }

func (r *run) connect() error {
	fd, err := r.address.dial()
	if err != nil {
		return err
	}
	c := &connection{fd: fd, k: -1, in: make([]byte, 2<<10)}
	r.connections[int32(fd)] = c
	r.idle = append(r.idle, c)
	return r.poll.add(fd)
}

// takeIdle takes the connection that was used last.
func (r *run) takeIdle() *connection {
	c := r.idle[len(r.idle)-1]
	r.idle = r.idle[:len(r.idle)-1]
	return c
}

// post sends the next command.
func (r *run) post(c *connection, start int64) {
	k := r.sent
	r.sent++
	b := append(r.request[:0], "POST /api/v1/promotions/"...)
	b = append(b, r.promotion...)
	b = append(b, "/coupons HTTP/1.1\r\nHost: "...)
	b = append(b, r.Target...)
	b = append(b, "\r\nX-User-Id: "...)
	b = r.appendUser(b, k)
	b = append(b, "\r\nIdempotency-Key: key-"...)
	b = r.appendUser(b, k)
	b = append(b, "\r\nContent-Length: 0\r\n\r\n"...)
	r.request = b
	c.k, c.n = k, 0
	r.commands[k].start = start
	if n, err := syscall.Write(c.fd, b); err != nil || n != len(b) {
		r.broken(c, fmt.Sprintf("a request was not sent: %v", err))
	}
}

func (r *run) readAnswer(c *connection) {
	if c.n == len(c.in) {
		c.in = append(c.in, make([]byte, len(c.in))...)
	}
	n, err := syscall.Read(c.fd, c.in[c.n:])
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return
	}
	if err != nil || n <= 0 || c.k < 0 {
		r.broken(c, fmt.Sprintf("a connection ended: %v", err))
		return
	}
	c.n += n
	status, body, err := parseResponse(c.in[:c.n])
	switch {
	case errors.Is(err, errIncomplete):
		return
	case err != nil:
		r.broken(c, err.Error())
		return
	case status >= 400 && status != 409 && status != 429 && r.firstFailure == "":
		r.firstFailure = fmt.Sprintf("%d %.200s", status, body)
	}
	r.answered(c.k, int16(status))
	c.k = -1
	r.idle = append(r.idle, c)
}

// broken replaces a connection. Its command may have been accepted or not.
func (r *run) broken(c *connection, why string) {
	if r.firstFailure == "" {
		r.firstFailure = why
	}
	if c.k >= 0 {
		r.answered(c.k, statusBroken)
	}
	c.close()
	delete(r.connections, int32(c.fd))
	for i, other := range r.idle {
		if other == c {
			r.idle = append(r.idle[:i], r.idle[i+1:]...)
			break
		}
	}
	_ = r.connect() // else the others carry on
}

func (r *run) answered(k int, status int16) {
	c := &r.commands[k]
	c.status, c.answered = status, r.now()
	r.lastAnswer = c.answered
	r.done++
	if c.watched && c.accepted() && c.frames == 0 {
		r.pending++
	}
}

func (c *command) accepted() bool { return c.status >= 200 && c.status < 300 }

// ask makes one request on a connection of its own.
func (r *run) ask(method, path, user, body string) (int, []byte, error) {
	fd, err := r.address.dial()
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := errors.Join(syscall.SetNonblock(fd, false),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: 30})); err != nil {
		return 0, nil, err
	}
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nX-User-Id: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, r.Target, user, len(body), body)
	if _, err := syscall.Write(fd, []byte(request)); err != nil {
		return 0, nil, err
	}
	var all []byte
	in := make([]byte, 16<<10)
	for began := time.Now(); time.Since(began) < time.Minute; {
		n, err := syscall.Read(fd, in)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return 0, nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
		all = append(all, in[:n]...)
		status, got, err := parseResponse(all)
		if err == nil {
			return status, got, nil
		}
		if !errors.Is(err, errIncomplete) || n == 0 {
			return 0, nil, fmt.Errorf("%s %s: %w after %.200q", method, path, err, all)
		}
	}
	return 0, nil, fmt.Errorf("%s %s: the response does not end", method, path)
}
