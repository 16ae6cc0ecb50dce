// Connections: how many there may be. A node keeps descriptors back for its log and its store, so connections are bounded, in
// all and of one address. When they run short the oldest idle ones are closed, and while none is idle no more are accepted:
// clients wait in the listener's queue. Streams that the event loop has taken over count as connections, and have limits of
// their own.

package http

import (
	queue "container/list"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// connections are those that net/http serves, by their state.
type connections struct {
	max           int        // of these and the streams; 0: no limit
	maxPerAddress int        // 0: no limit
	streams       func() int // open ones

	mu        sync.Mutex
	open      map[net.Conn]*connection
	idle      queue.List // of net.Conn, the longest idle first
	byAddress map[netip.Addr]int
	evicted   uint64 // idle ones that were closed for a new one
	refused   uint64 // by the limit of their address
}

type connection struct {
	address netip.Addr
	idle    *queue.Element // nil: it is not idle
}

// note is the server's ConnState.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.open[conn]
	if known == nil {
		return // evicted, or refused
	}
	switch state {
	case http.StateIdle:
		known.idle = c.idle.PushBack(conn)
	case http.StateActive:
		if known.idle != nil {
			c.idle.Remove(known.idle)
			known.idle = nil
		}
	case http.StateClosed, http.StateHijacked:
		c.remove(conn, known)
	}
}

func (c *connections) remove(conn net.Conn, known *connection) {
	if known.idle != nil {
		c.idle.Remove(known.idle)
	}
	delete(c.open, conn)
	if c.byAddress[known.address]--; c.byAddress[known.address] == 0 {
		delete(c.byAddress, known.address)
	}
}

// counts is how many connections there are, with streams, and how many were evicted and refused.
func (c *connections) counts() (open int, evicted, refused uint64) {
	streams := c.streams()
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open) + streams, c.evicted, c.refused
}

// makeRoom reports whether one more connection may be accepted. When there are too many it closes the one that has been idle
// for longest.
func (c *connections) makeRoom() bool {
	if c.max <= 0 {
		return true
	}
	streams := c.streams()
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)+streams < c.max || c.evict(func(*connection) bool { return true })
}

// admit adds an accepted connection; false: its address has too many, none of which is idle.
func (c *connections) admit(conn net.Conn) bool {
	address := netip.Addr{}
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		address = tcp.AddrPort().Addr().Unmap()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.maxPerAddress > 0 && c.byAddress[address] >= c.maxPerAddress && !c.evict(func(other *connection) bool { return other.address == address }) {
		c.refused++
		return false
	}
	c.open[conn] = &connection{address: address}
	c.byAddress[address]++
	return true
}

// evict closes the longest idle connection that fits. It may just have been sent a request, whose client then has to repeat it;
// so it is with every server that closes idle connections.
func (c *connections) evict(fits func(*connection) bool) bool {
	for e := c.idle.Front(); e != nil; e = e.Next() {
		conn := e.Value.(net.Conn)
		if known := c.open[conn]; fits(known) {
			c.remove(conn, known)
			c.evicted++
			_ = conn.Close()
			return true
		}
	}
	return false
}

// boundedListener hands out connections while there is room.
type boundedListener struct {
	net.Listener
	connections *connections
	closed      chan struct{}
	closeOnce   sync.Once
}

const roomCheckInterval = 10 * time.Millisecond

func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		for !l.connections.makeRoom() {
			select {
			case <-l.closed:
				_ = conn.Close()
				return nil, net.ErrClosed
			case <-time.After(roomCheckInterval):
			}
		}
		if l.connections.admit(conn) {
			return conn, nil
		}
		_ = conn.Close()
	}
}

func (l *boundedListener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
