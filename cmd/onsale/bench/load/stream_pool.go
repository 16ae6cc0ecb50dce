// Thousands of streams that one goroutine reads through epoll, since it shares its machine with the node that it measures.

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
)

// StreamPool reads streams of one host.
type StreamPool struct {
	host      string
	poll      *poll
	closed    atomic.Bool
	done      chan struct{}
	wake      chan struct{} // buffered, one: something was read
	mu        sync.Mutex    // guards what follows
	conns     []*poolConn
	connected int // connections that had their first frame
	received  []Delivery
	err       error // the first
}

// Delivery is an event that reached a reader.
type Delivery struct {
	Reader int
	Number uint64
	At     time.Time
}

// ErrVerification is a guarantee that the node broke.
var ErrVerification = errors.New("events were lost, doubled or out of order")

// NewStreamPool returns an empty pool. Close ends it.
func NewStreamPool(host string) (*StreamPool, error) {
	p, err := newPoll()
	if err != nil {
		return nil, err
	}
	c := &StreamPool{host: host, poll: p, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	go c.run()
	return c, nil
}

// Close closes all streams.
func (c *StreamPool) Close() {
	c.closed.Store(true)
	<-c.done
	c.poll.close()
}

// errRetry means that nothing can be read now.
var errRetry = errors.New("nothing to read")

// maxOpening bounds the streams that are being opened.
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
	defer conn.Close() // the poll has a duplicate
	if _, err := conn.Write([]byte(r.request(c.host))); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, &poolConn{})
	return c.poll.add(conn)
}

// waitFor waits until cond holds, for at most requestTimeout.
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

// poolConn is one stream. Before its head is complete, frames.partial is the head so far.
type poolConn struct {
	headRead  bool
	connected bool
	isChunked bool
	chunks    chunkDecoder
	frames    splitter
	last      uint64
}

// run is the pool's one goroutine.
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
	n, err := c.poll.read(i, in)
	switch {
	case err == errRetry:
		return
	case err != nil || n == 0:
		c.poll.remove(i)
		c.onEnd(i, m, cmp.Or(err, io.EOF))
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
		c.onEnd(i, m, io.EOF)
	}
}

func (c *StreamPool) onEnd(i int, m *poolConn, err error) {
	if m.headRead && !m.connected && m.frames.atRetry() {
		err = ErrRejected
	}
	c.fail(fmt.Errorf("stream %d of %d ended: %w", i+1, len(c.conns), err))
}

// readHead returns what follows the head; nil: the head is not complete.
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
		c.fail(fmt.Errorf("%w: number %d has no connect frame", ErrRejected, i+1))
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

// Round is when the streams of a pool had one event, counted from when its command was sent.
type Round struct {
	First, Last time.Duration
	Each        []time.Duration // in the order of arrival
}

// Round publishes one event, which every stream must have exactly once.
func (c *StreamPool) Round(ctx context.Context, publish func() (Event, error)) (Round, error) {
	if unexpected := c.TakeReceived(); len(unexpected) > 0 {
		return Round{}, fmt.Errorf("%w: event %d came to stream %d again, or unexpectedly", ErrVerification, unexpected[0].Number, unexpected[0].Reader+1)
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
			return r, fmt.Errorf("%w: stream %d has event %d, and event %d was published", ErrVerification, a.Reader+1, a.Number, e.Number)
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

// Len is the number of streams.
func (c *StreamPool) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}

// Await waits until n events have arrived since the last TakeReceived.
func (c *StreamPool) Await(ctx context.Context, n int) error {
	return c.waitFor(ctx, func() bool { return len(c.received) >= n })
}

// TakeReceived returns the events since the last TakeReceived, in order.
func (c *StreamPool) TakeReceived() []Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	received := c.received
	c.received = nil
	return received
}

// Err is the first fault of a stream, or why it ended.
func (c *StreamPool) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
