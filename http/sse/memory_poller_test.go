package sse

import (
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"onsale/http/sse/evloop"
)

// onBothPaths runs a test under a clock of its own twice: with streams served by goroutines of net/http, and by the engine
// over sockets in memory.
func onBothPaths(t *testing.T, test func(t *testing.T)) {
	for _, path := range []string{"handler", "engine"} {
		t.Run(path, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// usesEngine says which of the two a test runs on.
func usesEngine(t testing.TB) bool { return strings.Contains(t.Name()+"/", "/engine/") }

// memoryPoller is a kernel whose sockets are in memory.
type memoryPoller struct {
	mu    sync.Mutex
	conns map[*evloop.Conn]*memoryConn
}

func newMemoryPoller(time.Duration) (evloop.Poller, error) {
	return &memoryPoller{conns: map[*evloop.Conn]*memoryConn{}}, nil
}

func (m *memoryPoller) Add(c *evloop.Conn, nc net.Conn) error {
	mc := nc.(*memoryConn)
	m.mu.Lock()
	m.conns[c] = mc
	m.mu.Unlock()
	mc.mu.Lock()
	defer mc.mu.Unlock()
	mc.conn = c
	if mc.clientClosed {
		c.SocketReady(evloop.Gone)
	}
	return nil
}

func (m *memoryPoller) conn(c *evloop.Conn) *memoryConn {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conns[c]
}

func (m *memoryPoller) Write(c *evloop.Conn, b []byte) (int, error) { return m.conn(c).tryWrite(b) }
func (m *memoryPoller) Discard(*evloop.Conn) error                  { return nil }
func (m *memoryPoller) Close()                                      {}

func (m *memoryPoller) Drop(c *evloop.Conn) {
	mc := m.conn(c)
	mc.mu.Lock()
	mc.conn = nil
	mc.mu.Unlock()
	_ = mc.Close()
	m.mu.Lock()
	delete(m.conns, c)
	m.mu.Unlock()
}

// memoryConn is the server's end of a connection that keeps some bytes on their way to the client.
type memoryConn struct {
	net.Conn // of a pipe, for what the client says
	size     int

	mu           sync.Mutex
	buffered     []byte
	headSent     bool // the answer
	serverClosed bool // by the server
	clientClosed bool // the client
	writeBlocked bool // a write did not fit
	conn         *evloop.Conn
	changed      chan struct{} // closed at the next change
	deadline     time.Time     // of the client's reads
}

// clientConn is the client's.
type clientConn struct {
	net.Conn
	*memoryConn
}

func newMemoryConn(size int) (client net.Conn, server *memoryConn) {
	clientEnd, serverEnd := net.Pipe()
	server = &memoryConn{Conn: serverEnd, size: size, changed: make(chan struct{})}
	return &clientConn{clientEnd, server}, server
}

func (c *memoryConn) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (c *memoryConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }

func (c *memoryConn) notifyChange() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *memoryConn) tryWrite(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clientClosed || c.serverClosed {
		return 0, syscall.EPIPE
	}
	n := min(len(b), max(0, c.size-len(c.buffered)))
	if !c.headSent { // a kernel has room for the head of an answer
		c.headSent = true
		n = max(n, strings.Index(string(b), "\r\n\r\n")+4)
	}
	c.buffered = append(c.buffered, b[:n]...)
	if n > 0 {
		c.notifyChange()
	}
	if n < len(b) {
		c.writeBlocked = true
		if n == 0 {
			return 0, evloop.ErrWouldBlock
		}
	}
	return n, nil
}

func (c *memoryConn) Write(b []byte) (int, error) {
	for done := 0; ; {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		n, err := c.tryWrite(b[done:])
		if done += n; done == len(b) || err != nil && err != evloop.ErrWouldBlock {
			return done, err
		}
		<-changed
	}
}

func (c *memoryConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.serverClosed {
		c.serverClosed = true
		c.notifyChange()
	}
	return c.Conn.Close()
}

func (f *clientConn) Read(b []byte) (int, error) {
	c := f.memoryConn
	for {
		c.mu.Lock()
		n, changed, deadline, ended := copy(b, c.buffered), c.changed, c.deadline, c.serverClosed
		if n > 0 {
			c.buffered = c.buffered[n:]
			c.notifyChange()
			if c.writeBlocked && c.conn != nil {
				c.writeBlocked = false
				c.conn.SocketReady(evloop.Writable)
			}
		}
		c.mu.Unlock()
		switch wait := time.Until(deadline); {
		case n > 0:
			return n, nil
		case ended:
			return 0, io.EOF
		case deadline.IsZero():
			<-changed
		case wait <= 0:
			return 0, os.ErrDeadlineExceeded
		default:
			timer := time.NewTimer(wait)
			select {
			case <-changed:
			case <-timer.C:
			}
			timer.Stop()
		}
	}
}

func (f *clientConn) Close() error {
	c := f.memoryConn
	c.mu.Lock()
	if !c.clientClosed {
		c.clientClosed = true
		c.notifyChange()
		if c.conn != nil {
			c.conn.SocketReady(evloop.Gone)
		}
	}
	c.mu.Unlock()
	return f.Conn.Close()
}

func (f *clientConn) SetReadDeadline(t time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deadline = t
	return nil
}

func (f *clientConn) SetDeadline(t time.Time) error      { return f.SetReadDeadline(t) }
func (f *clientConn) Write(b []byte) (int, error)        { return f.Conn.Write(b) }
func (f *clientConn) LocalAddr() net.Addr                { return f.memoryConn.RemoteAddr() }
func (f *clientConn) RemoteAddr() net.Addr               { return f.memoryConn.LocalAddr() }
func (f *clientConn) SetWriteDeadline(t time.Time) error { return f.Conn.SetWriteDeadline(t) }
