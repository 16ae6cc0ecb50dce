// What loops need of the system.

package evloop

import (
	"errors"
	"net"
)

// Poller owns the sockets. Tests have one in memory, to use a fake clock. Except for Add and Close, its methods are called
// on the connection's loop.
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
