// One connection. Nothing is queued for it: when its socket is full, it keeps the rest of the frame that was begun, and the
// Source is asked again when there is room.

package evloop

import (
	"errors"
	"net"
	"time"
)

// Conn is a connection of a loop. Its Source embeds it, so that both are one allocation. Unless it says otherwise, a method
// may be called on the loop only.
type Conn struct {
	loop    *Loop
	source  Source
	group   *Group
	writer  *Writer // nil: the poller has the socket
	pending []byte  // goes out before anything else
	written int64   // of the response's body

	slot           slot   // in the wheel
	expiresAt      uint32 // ticks, as all of these
	heartbeatAt    uint32
	heartbeatEvery uint32
	noticeAt       uint32 // 0: none
	writeDeadline  uint32 // 0: the socket takes everything
	index          int32  // in group.conns
	fd, number     int32  // the poller's

	// HeartbeatDue and NoticeDue are set before a Step. The Source resets them when the heartbeat, or the notice, is written.
	HeartbeatDue, NoticeDue bool

	blocked  bool // the socket is full
	requeued bool // it is in loop.requeued
	started  bool
	closing  bool // it shall be closed
	closed   bool
}

// Open hands the connection to the poller. head, the head of the HTTP response, is written once it is started. Any goroutine
// may call it, once.
func (c *Conn) Open(nc net.Conn, head []byte) error {
	c.pending, c.written = head, -int64(len(head))
	err := c.loop.engine.Poller.Add(c, nc)
	if err != nil {
		c.pending, c.written = nil, 0
	}
	return err
}

// Start begins with the first bytes of the response's body. The connection is woken with its group from here on.
func (c *Conn) Start(g *Group, first []byte, maxAge, heartbeat time.Duration) {
	c.started = true
	if c.closing {
		c.source.Finish()
		return
	}
	c.pending = append(c.pending, first...)
	g.add(c)
	c.expiresAt, c.heartbeatAt = c.loop.tickAfter(maxAge), c.loop.tickAfter(heartbeat)
	c.heartbeatEvery = max(1, uint32(heartbeat/tick))
	c.source.Step()
	c.schedule()
}

// NotifyAfter makes a notice due d from now, at once if that has passed. It is called before Start.
func (c *Conn) NotifyAfter(d time.Duration) {
	if c.NoticeDue = d <= 0; !c.NoticeDue {
		c.noticeAt = c.loop.tickAfter(d)
	}
}

// Loop is the connection's loop. Any goroutine may ask.
func (c *Conn) Loop() *Loop { return c.loop }

// Group is the group that Start has put it in; nil before.
func (c *Conn) Group() *Group { return c.group }

// Blocked, Requeued and IsClosed report the state: the socket is full; Step will be called again; it is closed.
func (c *Conn) Blocked() bool  { return c.blocked }
func (c *Conn) Requeued() bool { return c.requeued }
func (c *Conn) IsClosed() bool { return c.closed }

// Written is the size of the response's body, as far as it went out.
func (c *Conn) Written() int64 { return max(0, c.written) }

// Requeue makes the loop call Step again, after the other connections.
func (c *Conn) Requeue() {
	if !c.requeued {
		c.requeued = true
		c.loop.requeued = append(c.loop.requeued, c)
	}
}

// Flush writes what was kept. It is false unless there is room for more.
func (c *Conn) Flush() bool {
	if c.closed || c.blocked {
		return false
	}
	if len(c.pending) > 0 {
		c.pending = c.pending[c.Write(c.pending):]
	}
	if len(c.pending) == 0 {
		c.pending = nil
	}
	return !c.closed && !c.blocked
}

// Keep keeps bytes to be written before anything else.
func (c *Conn) Keep(rest []byte) { c.pending = rest }

// Write writes to the socket and returns how many bytes it took. If it is Blocked then, Step is called when there is room.
func (c *Conn) Write(b []byte) (n int) {
	var err error
	if c.writer != nil {
		n, err = c.writer.write(b)
	} else {
		n, err = c.loop.engine.Poller.Write(c, b)
	}
	c.loop.engine.Written.Add(uint64(n))
	c.written += int64(n)
	switch {
	case err != nil && err != ErrWouldBlock:
		c.Close()
	case err != nil || n < len(b):
		c.blocked = true
		c.writeDeadline = c.loop.tickAfter(c.loop.engine.WriteTimeout)
		c.schedule()
	default:
		c.writeDeadline = 0
	}
	return n
}

// SocketReady is how a poller reports events. Any goroutine may call it.
func (c *Conn) SocketReady(events Ready) {
	c.loop.Post(func() { c.onReady(events) })
}

func (c *Conn) onReady(events Ready) {
	switch {
	case c.closed:
	case !c.started:
		c.closing = c.closing || events&Gone != 0
	case events&Gone != 0 || events&Readable != 0 && c.loop.engine.Poller.Discard(c) != nil:
		c.Close()
	case events&Writable != 0 && c.blocked:
		c.blocked, c.writeDeadline = false, 0
		c.source.Step()
	}
}

// onTimer does what is due, one thing at a time.
func (c *Conn) onTimer() {
	switch now := c.loop.wheel.hand; {
	case c.closed:
		return
	case c.writeDeadline != 0 && c.writeDeadline <= now:
		c.close(ErrWriteTimeout)
		return
	case c.expiresAt <= now:
		c.source.Finish()
		return
	case c.noticeAt != 0 && c.noticeAt <= now:
		c.noticeAt = 0
		c.NoticeDue = true
		c.source.Step()
	case c.heartbeatAt <= now:
		c.heartbeatAt += c.heartbeatEvery
		c.HeartbeatDue = true
		c.source.Step()
	}
	c.schedule()
}

// schedule puts the connection into the wheel where the next thing is due.
func (c *Conn) schedule() {
	if c.closed || !c.started {
		return
	}
	at := min(c.expiresAt, c.heartbeatAt)
	for _, due := range [...]uint32{c.noticeAt, c.writeDeadline} {
		if due != 0 {
			at = min(at, due)
		}
	}
	c.loop.wheel.add(c, at)
}

// CloseWith writes last behind what was kept, if the socket is not full, and closes. If the connection is not started yet,
// Start calls Finish.
func (c *Conn) CloseWith(last []byte) {
	if c.started && !c.closed && (!c.blocked || c.writer != nil) { // a writer takes everything
		c.Write(append(c.pending, last...))
	}
	c.Close()
}

// Abort closes the connection at once, also within a write. Any goroutine may call it.
func (c *Conn) Abort() {
	c.loop.Post(func() {
		c.Close()
		if c.writer != nil {
			c.writer.close(past)
		}
	})
}

// Close closes the connection. What the socket has taken still goes out.
func (c *Conn) Close() { c.close(nil) }

func (c *Conn) close(err error) {
	c.closing = true
	if !c.started || c.closed {
		return
	}
	c.closed, c.pending = true, nil
	c.loop.wheel.remove(c)
	if c.group != nil {
		c.group.remove(c)
	}
	switch w := c.writer; {
	case w == nil:
		c.loop.engine.Poller.Drop(c)
		c.source.OnClose(err)
	case err != nil:
		w.closedBy = err
		w.close(past)
	default:
		w.close(time.Now().Add(c.loop.engine.WriteTimeout))
	}
}

// Poller is what loops need of the system: it owns the sockets. Tests have one in memory, to use a fake clock. Except for Add
// and Close, its methods are called on the connection's loop.
type Poller interface {
	// Add takes over nc; from here on it calls c.SocketReady. After errors nc is still the caller's; it may be closed.
	Add(c *Conn, nc net.Conn) error
	// Write never waits. ErrWouldBlock: nothing fits now. SocketReady is called when something does, also after a part of b
	// was taken.
	Write(c *Conn, b []byte) (int, error)
	// Discard reads and ignores what the client sent. An error ends the connection.
	Discard(c *Conn) error
	// Drop closes the socket. SocketReady is not called any more.
	Drop(c *Conn)
	// Close ends the poller. All sockets are dropped.
	Close()
}

// ErrWouldBlock is a write to a full socket.
var ErrWouldBlock = errors.New("socket is full")

var (
	errClientSends = errors.New("client sends too much")
	errNotTCP      = errors.New("not a TCP connection of the runtime")
)

// Ready says what happened to a socket.
type Ready uint8

const (
	Writable Ready = 1 << iota // there is room again
	Readable                   // the client has sent something
	Gone                       // the client has closed it, or it is broken
)
