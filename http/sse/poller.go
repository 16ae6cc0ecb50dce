// What a loop asks of the system. The tests have another one, in memory, so that everything above it can be proved
// under a clock of their own.

package sse

import (
	"errors"
	"net"
)

// poller owns sockets. All but add and close is called by the socket's loop only.
type poller interface {
	// add takes over a connection. From then on s.loop hears what happens to it.
	add(s *socket, c net.Conn) error
	// write never waits. errWouldBlock: nothing fits now; s.loop hears when something does, also when only a part did.
	write(s *socket, b []byte) (int, error)
	// discard throws away what the client says. An error is the end.
	discard(s *socket) error
	// drop closes the connection. Nothing is heard of it any more.
	drop(s *socket)
	// close ends the poller when no socket is left.
	close()
}

var (
	errWouldBlock  = errors.New("the socket is full")
	errClientSends = errors.New("the client talks too much")
	errNotSocket   = errors.New("not a socket that can be taken over")
)

// ready is what happened to a socket.
type ready uint8

const (
	writable ready = 1 << iota
	readable
	gone
)
