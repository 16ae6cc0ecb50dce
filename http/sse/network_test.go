package sse

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"onsale/http/auth"
	"onsale/http/sse/evloop"
	"onsale/http/view/viewtest"
)

// onBothPaths runs a test with a fake clock twice: with streams on goroutines of net/http, and on the event loop over sockets
// in memory.
func onBothPaths(t *testing.T, test func(t *testing.T)) {
	for _, path := range []string{"handler", "engine"} {
		t.Run(path, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// usesEngine reports whether a test uses the event loop over sockets in memory.
func usesEngine(t testing.TB) bool { return strings.Contains(t.Name()+"/", "/engine/") }

// memoryPoller is a poller whose sockets are in memory.
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

// memoryConn is the server's end of a connection with a buffer of some bytes to the client.
type memoryConn struct {
	net.Conn // a pipe, for what the client sends
	size     int

	mu           sync.Mutex
	buffered     []byte
	headSent     bool // of the response
	serverClosed bool
	clientClosed bool
	writeBlocked bool // a write did not fit
	conn         *evloop.Conn
	changed      chan struct{} // closed at the next change
	deadline     time.Time     // for the client's reads
}

// clientConn is the client's end.
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
	if !c.headSent { // a kernel has room for the head of a response
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

// server is net/http over pipes, so that it works in a synctest bubble: its sockets are channels.
type server struct {
	t          testing.TB
	bufferSize func() int // of a connection on the event loop
	accept     chan net.Conn
	http       *http.Server
	done       chan struct{}
}

func (s *server) Accept() (net.Conn, error) {
	select {
	case c := <-s.accept:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

func (s *server) Close() error { return nil }

func (s *server) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// serve answers /users/<id>, /schedules/<id>, /promotions/<id>, /orders/<id>?user=<user>, /feed and /feed/lines.
func (f *fixture) serve() *server {
	s := &server{t: f.t, bufferSize: func() int { return 100 }, accept: make(chan net.Conn), done: make(chan struct{}), http: &http.Server{Handler: f.handler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}}
	var running sync.WaitGroup
	running.Go(func() { _ = s.http.Serve(s) })
	f.t.Cleanup(func() {
		close(s.done)
		_ = s.http.Close()
		running.Wait()
	})
	return s
}

func (f *fixture) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/users/{id}", func(rw http.ResponseWriter, r *http.Request) {
		f.current().User(rw, r, identityOf(r), r.PathValue("id"))
	})
	mux.HandleFunc("/promotions/{id}", func(rw http.ResponseWriter, r *http.Request) {
		f.current().Promotion(rw, r, identityOf(r), r.PathValue("id"))
	})
	mux.HandleFunc("/orders/{id}", func(rw http.ResponseWriter, r *http.Request) {
		f.current().Order(rw, r, identityOf(r), r.PathValue("id"), r.URL.Query().Get("user"))
	})
	mux.HandleFunc("/schedules/{id}", func(rw http.ResponseWriter, r *http.Request) {
		f.current().Schedule(rw, r, identityOf(r), r.PathValue("id"))
	})
	mux.HandleFunc("/feed", func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		f.current().Feed(rw, r, identityOf(r), Filter{q.Get("type"), q.Get("entity")}, q.Get("format") == "cloudevents")
	})
	mux.HandleFunc("/feed/lines", func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		wait, _ := time.ParseDuration(q.Get("wait"))
		if err := f.current().FeedLines(rw, r, Filter{q.Get("type"), q.Get("entity")}, q.Get("format") == "cloudevents", wait); err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}

// identityOf is an identity that is valid for ?expires= seconds from now; without that it does not expire.
func identityOf(r *http.Request) (who auth.Identity) {
	if seconds, err := strconv.Atoi(r.URL.Query().Get("expires")); err == nil {
		who.Expires = time.Now().Add(time.Duration(seconds) * time.Second)
	}
	return who
}

// stream is an open stream on the client's side.
type stream struct {
	net.Conn
	header http.Header
	body   io.Reader
	viewtest.Browser
}

// open opens a stream and reads the headers.
func (s *server) open(path, lastEventID string) (*stream, error) {
	client, serverEnd := net.Pipe()
	if usesEngine(s.t) {
		client, serverEnd = newMemoryConn(s.bufferSize())
	}
	s.accept <- serverEnd
	return openStream(client, path, lastEventID)
}

func openStream(conn net.Conn, path, lastEventID string) (*stream, error) {
	request := "GET " + path + " HTTP/1.1\r\nHost: x\r\n"
	if lastEventID != "" {
		request += "Last-Event-ID: " + lastEventID + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	if r.StatusCode != 200 {
		return nil, fmt.Errorf("status %s", r.Status)
	}
	return &stream{Conn: conn, header: r.Header, body: r.Body}, nil
}

func (s *server) mustOpen(t testing.TB, path, lastEventID string) *stream {
	t.Helper()
	st, err := s.open(path, lastEventID)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// next is the next event of the stream; io.EOF at its end.
func (s *stream) next() (viewtest.Event, error) {
	b := make([]byte, 1)
	for len(s.Events) == 0 {
		n, err := s.body.Read(b)
		_, _ = s.feed(b[:n])
		if err != nil && len(s.Events) == 0 {
			return viewtest.Event{}, err
		}
	}
	e := s.Events[0]
	s.Events = s.Events[1:]
	return e, nil
}

// feed passes bytes to the browser. The connection has a Write of its own.
func (s *stream) feed(b []byte) (int, error) { return s.Browser.Write(b) }

func (s *stream) mustNext(t testing.TB) viewtest.Event {
	t.Helper()
	e, err := s.next()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// expectConnect checks the first frame.
func (s *stream) expectConnect(t testing.TB, status string, from string) {
	t.Helper()
	e := s.mustNext(t)
	if e.Event != "connect" || e.ID != from || !strings.HasPrefix(e.Data, `{"status":"`+status+`"`) {
		t.Fatalf("got %+v, want %s from %s", e, status, from)
	}
	if s.Retry < 2*time.Second || s.Retry > 5*time.Second {
		t.Errorf("retry %v", s.Retry)
	}
}

// onRealSockets runs a test with streams on goroutines of net/http, and on the event loop with the system's poller.
func onRealSockets(t *testing.T, test func(t *testing.T)) {
	for _, path := range []string{"handler", "sockets"} {
		t.Run(path, test)
	}
}

// dialFrom opens a stream from a local address.
func dialFrom(t *testing.T, s *httptest.Server, from, path, id string) *stream {
	t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	st, err := openStream(c, path, id)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// serveTCP serves the hub over TCP, with small send buffers.
func (f *fixture) serveTCP(t *testing.T) *httptest.Server {
	s := httptest.NewUnstartedServer(f.handler())
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10)
		return ctx
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func dial(t *testing.T, s *httptest.Server, path, id string) *stream {
	t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	st, err := openStream(c, path, id)
	if err != nil {
		t.Fatal(err)
	}
	return st
}
