package stream

import (
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// wire is the server's end of a connection that keeps some bytes on their way to the client.
type wire struct {
	net.Conn // of a pipe, for what the client says
	size     int

	mu       sync.Mutex
	way      []byte
	begun    bool // the answer
	ended    bool // by the server
	gone     bool // the client
	starved  bool // a write did not fit
	socket   *socket
	changed  chan struct{} // closed at the next change
	deadline time.Time     // of the client's reads
}

// far is the client's.
type far struct {
	net.Conn
	*wire
}

func newWire(size int) (client net.Conn, server *wire) {
	mine, theirs := net.Pipe()
	server = &wire{Conn: theirs, size: size, changed: make(chan struct{})}
	return &far{mine, server}, server
}

func (w *wire) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (w *wire) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }

func (w *wire) change() {
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *wire) push(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone || w.ended {
		return 0, syscall.EPIPE
	}
	n := min(len(b), max(0, w.size-len(w.way)))
	if !w.begun { // a kernel has room for the head of an answer
		w.begun = true
		n = max(n, strings.Index(string(b), "\r\n\r\n")+4)
	}
	w.way = append(w.way, b[:n]...)
	if n > 0 {
		w.change()
	}
	if n < len(b) {
		w.starved = true
		if n == 0 {
			return 0, errFull
		}
	}
	return n, nil
}

func (w *wire) Write(b []byte) (int, error) {
	for done := 0; ; {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		n, err := w.push(b[done:])
		if done += n; done == len(b) || err != nil && err != errFull {
			return done, err
		}
		<-changed
	}
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.ended = true
		w.change()
	}
	return w.Conn.Close()
}

func (f *far) Read(b []byte) (int, error) {
	w := f.wire
	for {
		w.mu.Lock()
		n, changed, deadline, ended := copy(b, w.way), w.changed, w.deadline, w.ended
		if n > 0 {
			w.way = w.way[n:]
			w.change()
			if w.starved && w.socket != nil {
				w.starved = false
				w.socket.loop.notice(w.socket, writable)
			}
		}
		w.mu.Unlock()
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

func (f *far) Close() error {
	w := f.wire
	w.mu.Lock()
	if !w.gone {
		w.gone = true
		w.change()
		if w.socket != nil {
			w.socket.loop.notice(w.socket, gone)
		}
	}
	w.mu.Unlock()
	return f.Conn.Close()
}

func (f *far) SetReadDeadline(t time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deadline = t
	return nil
}

func (f *far) SetDeadline(t time.Time) error      { return f.SetReadDeadline(t) }
func (f *far) Write(b []byte) (int, error)        { return f.Conn.Write(b) }
func (f *far) LocalAddr() net.Addr                { return f.wire.RemoteAddr() }
func (f *far) RemoteAddr() net.Addr               { return f.wire.LocalAddr() }
func (f *far) SetWriteDeadline(t time.Time) error { return f.Conn.SetWriteDeadline(t) }
