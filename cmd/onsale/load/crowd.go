// A crowd is thousands of streams that one goroutine reads through epoll: it shares its machine with what it measures.
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Crowd reads streams of one host, or of whatever answers like one.
type Crowd struct {
	host   string
	poll   *poll
	over   atomic.Bool
	done   chan struct{}
	bell   chan struct{} // one slot: something was read
	mu     sync.Mutex    // guards what follows
	open   []*member
	joined int // had their first frame
	heard  []Arrival
	err    error // the first
}

// Arrival is an event that reached a reader.
type Arrival struct {
	Reader int
	Number uint64
	At     time.Time
}

// ErrBroken is a word that the service did not keep.
var ErrBroken = errors.New("events were lost, doubled or out of order")

// NewCrowd has nobody in it. Close ends it.
func NewCrowd(host string) (*Crowd, error) {
	p, err := newPoll()
	if err != nil {
		return nil, err
	}
	c := &Crowd{host: host, poll: p, done: make(chan struct{}), bell: make(chan struct{}, 1)}
	go c.run()
	return c, nil
}

// Close hangs up.
func (c *Crowd) Close() {
	c.over.Store(true)
	<-c.done
	for _, m := range c.open {
		_ = unix.Close(m.fd)
	}
	c.poll.close()
}

// hurry is how many may be on their way in.
const hurry = 256

// Join opens n more streams; it returns when each has its first frame.
func (c *Crowd) Join(ctx context.Context, n int, reader func(i int) Reader) error {
	for i := range n {
		if err := c.add(ctx, reader(i)); err != nil {
			return err
		}
		if err := c.wait(ctx, func() bool { return c.joined > len(c.open)-hurry }); err != nil {
			return err
		}
	}
	return c.wait(ctx, func() bool { return c.joined == len(c.open) })
}

func (c *Crowd) add(ctx context.Context, r Reader) error {
	conn, err := r.dial(ctx, c.host)
	if err != nil {
		return err
	}
	defer conn.Close() // its duplicate stays
	if _, err := conn.Write([]byte(r.request(c.host))); err != nil {
		return err
	}
	m := &member{}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	err = raw.Control(func(fd uintptr) { m.fd, refused = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(err, refused); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, m)
	return c.poll.add(m.fd, len(c.open)-1)
}

// wait waits until something is so, for as long as anything may take.
func (c *Crowd) wait(ctx context.Context, so func() bool) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		c.mu.Lock()
		is, err := so(), c.err
		c.mu.Unlock()
		if is || err != nil {
			return err
		}
		select {
		case <-c.bell:
		case <-timer.C:
			return errLate
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var errLate = fmt.Errorf("nothing came within %v", patience)
