// A crowd is thousands of streams that one goroutine reads through epoll: it shares its machine with what it measures.

package load

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// StreamPool reads streams of one host, or of whatever answers like one.
type StreamPool struct {
	host      string
	poll      *poll
	closed    atomic.Bool
	done      chan struct{}
	wake      chan struct{} // one slot: something was read
	mu        sync.Mutex    // guards what follows
	conns     []*poolConn
	connected int // had their first frame
	received  []Delivery
	err       error // the first
}

// Delivery is an event that reached a reader.
type Delivery struct {
	Reader int
	Number uint64
	At     time.Time
}

// ErrVerification is a word that the service did not keep.
var ErrVerification = errors.New("events were lost, doubled or out of order")

// NewStreamPool has nobody in it. Close ends it.
func NewStreamPool(host string) (*StreamPool, error) {
	p, err := newPoll()
	if err != nil {
		return nil, err
	}
	c := &StreamPool{host: host, poll: p, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	go c.run()
	return c, nil
}

// Close hangs up.
func (c *StreamPool) Close() {
	c.closed.Store(true)
	<-c.done
	for _, m := range c.conns {
		_ = unix.Close(m.fd)
	}
	c.poll.close()
}

// maxOpening is how many may be on their way in.
const maxOpening = 256

// Connect opens n more streams; it returns when each has its first frame.
func (c *StreamPool) Connect(ctx context.Context, n int, reader func(i int) Reader) error {
	for i := range n {
		if err := c.addConn(ctx, reader(i)); err != nil {
			return err
		}
		if err := c.waitFor(ctx, func() bool { return c.connected > len(c.conns)-maxOpening }); err != nil {
			return err
		}
	}
	return c.waitFor(ctx, func() bool { return c.connected == len(c.conns) })
}

func (c *StreamPool) addConn(ctx context.Context, r Reader) error {
	conn, err := r.dial(ctx, c.host)
	if err != nil {
		return err
	}
	defer conn.Close() // its duplicate stays
	if _, err := conn.Write([]byte(r.request(c.host))); err != nil {
		return err
	}
	m := &poolConn{}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var dupErr error
	err = raw.Control(func(fd uintptr) { m.fd, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(err, dupErr); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, m)
	return c.poll.add(m.fd, len(c.conns)-1)
}

// waitFor waits until something is so, for as long as anything may take.
func (c *StreamPool) waitFor(ctx context.Context, cond func() bool) error {
	timer := time.NewTimer(requestTimeout)
	defer timer.Stop()
	for {
		c.mu.Lock()
		ok, err := cond(), c.err
		c.mu.Unlock()
		if ok || err != nil {
			return err
		}
		select {
		case <-c.wake:
		case <-timer.C:
			return errTimeout
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var errTimeout = fmt.Errorf("nothing came within %v", requestTimeout)

// The crowd's one goroutine: it reads whatever can be read, and notes what came to whom.

// poolConn is one stream. Before its head is read, part of frames is the head.
type poolConn struct {
	fd        int
	headRead  bool // the head is read
	connected bool
	isChunked bool // in chunks
	chunks    chunkDecoder
	frames    splitter
	last      uint64
}

func (c *StreamPool) run() {
	defer close(c.done)
	in := make([]byte, 256<<10)
	for !c.closed.Load() {
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
		case c.wake <- struct{}{}:
		default:
		}
	}
}

func (c *StreamPool) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *StreamPool) read(i int, in []byte) {
	m := c.conns[i]
	n, err := unix.Read(m.fd, in)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil || n == 0:
		c.poll.remove(m.fd)
		c.fail(fmt.Errorf("stream %d of %d ended: %w", i+1, len(c.conns), cmp.Or(err, io.EOF)))
		return
	}
	b, now := in[:n], time.Now()
	if !m.headRead {
		if b = c.readHead(m, b); b == nil {
			return
		}
	}
	if m.isChunked {
		b = m.chunks.decode(b)
	}
	m.frames.each(b, func(f Frame) { c.onFrame(i, m, f, now) })
	if m.chunks.done {
		c.fail(fmt.Errorf("stream %d of %d ended", i+1, len(c.conns)))
	}
}

// readHead gives what follows the head; nil: it is not over.
func (c *StreamPool) readHead(m *poolConn, b []byte) []byte {
	all := append(m.frames.partial, b...)
	head, rest, complete := bytes.Cut(all, headerEnd)
	if m.frames.partial = all; !complete {
		return nil
	}
	m.frames.partial, m.headRead = nil, true
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		c.fail(fmt.Errorf("a stream is answered %.100s", head))
	}
	m.isChunked = strings.Contains(strings.ToLower(string(head)), "transfer-encoding: chunked")
	return rest
}

func (c *StreamPool) onFrame(i int, m *poolConn, f Frame, now time.Time) {
	switch {
	case !m.connected && f.Event == "connect":
		m.connected = true
		c.connected++
		return
	case !m.connected:
		c.fail(fmt.Errorf("%w: number %d is not greeted", ErrRejected, i+1))
		return
	case !f.IsEvent():
		return
	}
	n := f.Number()
	if n <= m.last {
		c.fail(fmt.Errorf("%w: stream %d has event %d after event %d", ErrVerification, i+1, n, m.last))
	}
	m.last = n
	c.received = append(c.received, Delivery{i, n, now})
}

// A round: one event, and when each of a crowd had it.

// Round counts from when the command was sent.
type Round struct {
	First, Last time.Duration
	Each        []time.Duration // in the order of arrival
}

// Round tells one event that everybody in the crowd must have, exactly once.
func (c *StreamPool) Round(ctx context.Context, publish func() (Event, error)) (Round, error) {
	if unexpected := c.TakeReceived(); len(unexpected) > 0 {
		return Round{}, fmt.Errorf("%w: event %d came to stream %d once more, or unasked", ErrVerification, unexpected[0].Number, unexpected[0].Reader+1)
	}
	e, err := publish()
	if err != nil {
		return Round{}, err
	}
	err = c.Await(ctx, c.Len())
	if err != nil && !errors.Is(err, errTimeout) {
		return Round{}, err
	}
	return c.verifyRound(e, c.TakeReceived())
}

func (c *StreamPool) verifyRound(e Event, received []Delivery) (Round, error) {
	var r Round
	seen := make([]bool, c.Len())
	for _, a := range received {
		if a.Number != e.Number || seen[a.Reader] {
			return r, fmt.Errorf("%w: stream %d has event %d, and event %d was made", ErrVerification, a.Reader+1, a.Number, e.Number)
		}
		seen[a.Reader] = true
		r.Each = append(r.Each, a.At.Sub(e.Due))
	}
	if len(r.Each) < len(seen) {
		return r, fmt.Errorf("%w: event %d came to %d of %d streams within %v", ErrVerification, e.Number, len(r.Each), len(seen), requestTimeout)
	}
	r.First, r.Last = r.Each[0], r.Each[len(r.Each)-1]
	return r, nil
}

// Len is how many streams there are.
func (c *StreamPool) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}

// Await waits until so many events have arrived since the last Take.
func (c *StreamPool) Await(ctx context.Context, n int) error {
	return c.waitFor(ctx, func() bool { return len(c.received) >= n })
}

// TakeReceived gives what has arrived since the last one, in order.
func (c *StreamPool) TakeReceived() []Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	received := c.received
	c.received = nil
	return received
}

// Err is why a stream ended, or what was wrong with one.
func (c *StreamPool) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
