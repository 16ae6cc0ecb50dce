// The crowd's one goroutine: it reads whatever can be read, and notes what came to whom.
package load

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// member is one stream. Before its head is read, part of frames is the head.
type member struct {
	fd     int
	begun  bool // the head is read
	joined bool
	coded  bool // in chunks
	chunks chunked
	frames splitter
	last   uint64
}

func (c *Crowd) run() {
	defer close(c.done)
	in := make([]byte, 256<<10)
	for !c.over.Load() {
		ready, err := c.poll.wait()
		c.mu.Lock()
		if err != nil {
			c.fail(err)
		}
		for _, i := range ready {
			c.read(int(i), in)
		}
		c.mu.Unlock()
		select {
		case c.bell <- struct{}{}:
		default:
		}
	}
}

func (c *Crowd) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *Crowd) read(i int, in []byte) {
	m := c.open[i]
	n, err := unix.Read(m.fd, in)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil || n == 0:
		c.poll.remove(m.fd)
		c.fail(fmt.Errorf("stream %d of %d ended: %w", i+1, len(c.open), cmp.Or(err, io.EOF)))
		return
	}
	b, now := in[:n], time.Now()
	if !m.begun {
		if b = c.head(m, b); b == nil {
			return
		}
	}
	if m.coded {
		b = m.chunks.body(b)
	}
	m.frames.each(b, func(f Frame) { c.hear(i, m, f, now) })
	if m.chunks.over {
		c.fail(fmt.Errorf("stream %d of %d ended", i+1, len(c.open)))
	}
}

// head gives what follows the head; nil: it is not over.
func (c *Crowd) head(m *member, b []byte) []byte {
	all := append(m.frames.part, b...)
	head, rest, over := bytes.Cut(all, endOfHead)
	if m.frames.part = all; !over {
		return nil
	}
	m.frames.part, m.begun = nil, true
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		c.fail(fmt.Errorf("a stream is answered %.100s", head))
	}
	m.coded = strings.Contains(strings.ToLower(string(head)), "transfer-encoding: chunked")
	return rest
}

func (c *Crowd) hear(i int, m *member, f Frame, now time.Time) {
	switch {
	case !m.joined && f.Event == "connect":
		m.joined = true
		c.joined++
		return
	case !m.joined:
		c.fail(fmt.Errorf("%w: number %d is not greeted", ErrTurnedAway, i+1))
		return
	case !f.Told():
		return
	}
	n := f.Number()
	if n <= m.last {
		c.fail(fmt.Errorf("%w: stream %d has event %d after event %d", ErrBroken, i+1, n, m.last))
	}
	m.last = n
	c.heard = append(c.heard, Arrival{i, n, now})
}
