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
	pending []byte // goes out before anything else

	slot           slot   // in the wheel
	expiresAt      uint32 // ticks, as all of these
	heartbeatAt    uint32
	heartbeatEvery uint32
	writeDeadline  uint32 // 0: the socket takes everything
	timerAt        uint32 // 0: not set
	index          int32  // in group.conns
	fd, number     int32  // the poller's

	blocked  bool // the socket is full
	requeued bool // it is in loop.requeued
	started  bool
	closing  bool // it shall be closed
	closed   bool
}

// Open hands the connection to the poller. head, the head of the HTTP response, is written once it is started. Any goroutine
// may call it, once.
func (c *Conn) Open(nc net.Conn, head []byte) error {
	c.pending = head
	return c.loop.engine.poller.Add(c, nc)
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
	c.step()
	c.schedule()
}

// Loop is the connection's loop. Any goroutine may ask.
func (c *Conn) Loop() *Loop { return c.loop }

// Group is the group that Start has put it in; nil before.
func (c *Conn) Group() *Group { return c.group }

// Started, Blocked, Requeued and IsClosed report the state: Start was called; the socket is full; Step will be called again;
// it is closed.
func (c *Conn) Started() bool  { return c.started }
func (c *Conn) Blocked() bool  { return c.blocked }
func (c *Conn) Requeued() bool { return c.requeued }
func (c *Conn) IsClosed() bool { return c.closed }

// Requeue makes the loop call Step again, after the other connections.
func (c *Conn) Requeue() {
	if !c.requeued {
		c.requeued = true
		c.loop.requeued = append(c.loop.requeued, c)
	}
}

// SetTimer makes the loop call OnTimer after d, unless StopTimer is called before.
func (c *Conn) SetTimer(d time.Duration) {
	c.timerAt = c.loop.tickAfter(d)
	c.schedule()
}

// StopTimer cancels SetTimer.
func (c *Conn) StopTimer() { c.timerAt = 0 }

// Poke steps the connection out of turn.
func (c *Conn) Poke() {
	c.step()
	c.schedule()
}

func (c *Conn) step() {
	if c.Flush() {
		c.source.Step()
	}
}

// Flush writes what was kept. It is false unless all of it went out.
func (c *Conn) Flush() bool {
	if c.closed || c.blocked {
		return false
	}
	if len(c.pending) == 0 {
		return true
	}
	n := c.Write(c.pending)
	if c.closed {
		return false
	}
	if c.pending = c.pending[n:]; len(c.pending) > 0 {
		return false
	}
	c.pending = nil
	return true
}

// Keep keeps bytes to be written before anything else.
func (c *Conn) Keep(rest []byte) { c.pending = rest }

// Write writes to the socket and returns how many bytes it took. If that is not all, Step is called when there is room.
func (c *Conn) Write(b []byte) int {
	n, err := c.loop.engine.poller.Write(c, b)
	c.loop.engine.Written.Add(uint64(n))
	switch {
	case err != nil && err != ErrWouldBlock:
		c.Close()
	case n < len(b):
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
	case events&Gone != 0 || events&Readable != 0 && c.loop.engine.poller.Discard(c) != nil:
		c.Close()
	case events&Writable != 0 && c.blocked:
		c.blocked = false
		c.Poke()
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
	case c.heartbeatAt <= now:
		c.heartbeatAt += c.heartbeatEvery
		c.source.OnHeartbeat()
		c.step()
	case c.timerAt != 0 && c.timerAt <= now:
		c.timerAt = 0
		c.source.OnTimer()
	}
	c.schedule()
}

// schedule puts the connection into the wheel where the next thing is due.
func (c *Conn) schedule() {
	if c.closed || !c.started {
		return
	}
	at := min(c.expiresAt, c.heartbeatAt)
	if c.writeDeadline != 0 {
		at = min(at, c.writeDeadline)
	}
	if c.timerAt != 0 {
		at = min(at, c.timerAt)
	}
	c.loop.wheel.add(c, at)
}

// BeginClose reports whether the connection is open. If it is not started, Start will call Finish.
func (c *Conn) BeginClose() bool {
	c.closing = true
	return c.started && !c.closed
}

// Close closes the connection at once.
func (c *Conn) Close() { c.close(nil) }

func (c *Conn) close(err error) {
	if !c.BeginClose() {
		return
	}
	c.closed = true
	c.loop.wheel.remove(c)
	c.loop.engine.poller.Drop(c)
	if c.group != nil {
		c.group.remove(c)
	}
	c.pending = nil
	c.source.OnClose(err)
}

// Poller is what loops need of the system: it owns the sockets. Tests have one in memory, to use a fake clock. Except for Add and Close, its methods are called on the connection's loop.
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
