// Connections: how many there may be. A node keeps descriptors back for its log and its store, so connections are bounded, in
// all and of one address. When they run short those are closed that have not sent a request for longest, at first the ones that
// have never sent one, then idle ones; while there are none no more are accepted: clients wait in the listener's queue. Streams
// that the event loop has taken over count as connections, and have limits of their own.

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
	openingGrace  time.Duration

	mu        sync.Mutex
	open      map[net.Conn]*connection
	opening   queue.List // of net.Conn that have not sent the head of a request, the oldest first
	idle      queue.List // of net.Conn, the longest idle first
	byAddress map[netip.Addr]int
	closed    closedConnections
}

// closedConnections counts those that were closed because there were too many.
type closedConnections struct {
	slow    uint64 // for a new one, before they had sent a request
	idle    uint64 // for a new one
	refused uint64 // by the limit of their address
}

type connection struct {
	address netip.Addr
	opened  time.Time
	list    *queue.List    // opening or idle; nil: it is being served
	element *queue.Element // in list
}

// openingGrace is the time that a connection has for the head of its first request, and the handshake of TLS before it, until it
// may be closed for another one.
const openingGrace = time.Second

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
		known.moveTo(&c.idle, conn)
	case http.StateActive:
		known.moveTo(nil, conn)
	case http.StateClosed, http.StateHijacked:
		c.remove(conn, known)
	}
}

// moveTo puts the connection at the end of a list; nil: of none.
func (k *connection) moveTo(list *queue.List, conn net.Conn) {
	if k.list != nil {
		k.list.Remove(k.element)
	}
	if k.list = list; list != nil {
		k.element = list.PushBack(conn)
	}
}

func (c *connections) remove(conn net.Conn, known *connection) {
	known.moveTo(nil, conn)
	delete(c.open, conn)
	if c.byAddress[known.address]--; c.byAddress[known.address] == 0 {
		delete(c.byAddress, known.address)
	}
}

// counts is how many connections there are, with streams, and how many were closed.
func (c *connections) counts() (open int, closed closedConnections) {
	streams := c.streams()
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open) + streams, c.closed
}

// makeRoom reports whether one more connection may be accepted. When there are too many it closes one.
func (c *connections) makeRoom() bool {
	if c.max <= 0 {
		return true
	}
	streams := c.streams()
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)+streams < c.max || c.evict(func(*connection) bool { return true })
}

// admit adds an accepted connection; false: its address has too many, none of which can be closed.
func (c *connections) admit(conn net.Conn) bool {
	address := netip.Addr{}
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		address = tcp.AddrPort().Addr().Unmap()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.maxPerAddress > 0 && c.byAddress[address] >= c.maxPerAddress && !c.evict(func(other *connection) bool { return other.address == address }) {
		c.closed.refused++
		return false
	}
	known := &connection{address: address, opened: time.Now()}
	known.moveTo(&c.opening, conn)
	c.open[conn] = known
	c.byAddress[address]++
	return true
}

// evict closes one connection that fits: the oldest that has not sent a request in time, or else the longest idle one. That may
// just have been sent a request, whose client then has to repeat it; so it is with every server that closes idle connections.
func (c *connections) evict(fits func(*connection) bool) bool {
	late := time.Now().Add(-c.openingGrace)
	isLate := func(k *connection) bool { return k.opened.Before(late) }
	if c.closeFirst(&c.opening, isLate, fits) {
		c.closed.slow++
		return true
	}
	if c.closeFirst(&c.idle, func(*connection) bool { return true }, fits) {
		c.closed.idle++
		return true
	}
	return false
}

// closeFirst closes the first connection of the list that fits, and looks no further than while is true.
func (c *connections) closeFirst(list *queue.List, while, fits func(*connection) bool) bool {
	for e := list.Front(); e != nil; e = e.Next() {
		conn := e.Value.(net.Conn)
		known := c.open[conn]
		if !while(known) {
			return false
		}
		if fits(known) {
			c.remove(conn, known)
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
