// The poller of Linux: one epoll instance for all loops. A connection is taken from the runtime by a duplicate of its
// descriptor, so nothing of package net is kept for it.

package evloop

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// notsentLowat is how many bytes a socket takes that are not on their way yet. More would only fill kernel memory for a
// client that does not read; what is on its way is bounded by the client's own window.
const notsentLowat = 16 << 10

type epoll struct {
	fd, stopFD   int // the instance, and an eventfd that ends it
	writeTimeout time.Duration
	done         chan struct{} // closed when run has returned

	mu    sync.Mutex
	conns []*Conn // by descriptor
	count int32   // ever: descriptors are used again, numbers are not
}

// NewPoller is the system's poller; errors.ErrUnsupported: it has none.
func NewPoller(writeTimeout time.Duration) (Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	stopFD, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, stopFD, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: -1}); err != nil {
		_, _ = unix.Close(fd), unix.Close(stopFD)
		return nil, err
	}
	p := &epoll{fd: fd, stopFD: stopFD, writeTimeout: writeTimeout, done: make(chan struct{})}
	go p.run()
	return p, nil
}

func (p *epoll) Close() {
	_, _ = unix.Write(p.stopFD, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-p.done
	_, _ = unix.Close(p.fd), unix.Close(p.stopFD)
}

// run passes events on to the loops until Close.
func (p *epoll) run() {
	defer close(p.done)
	var events [256]unix.EpollEvent
	for {
		n, err := unix.EpollWait(p.fd, events[:], -1)
		if err != nil && err != unix.EINTR {
			panic("evloop: epoll_wait: " + err.Error()) // only a bug in this file makes it fail
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd < 0 {
				return
			}
			p.dispatch(e)
		}
	}
}

// dispatch passes on one event. Its descriptor may belong to another connection by now; its number does not.
func (p *epoll) dispatch(e unix.EpollEvent) {
	var events Ready
	if e.Events&unix.EPOLLOUT != 0 {
		events |= Writable
	}
	if e.Events&unix.EPOLLIN != 0 {
		events |= Readable
	}
	if e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		events |= Gone
	}
	p.mu.Lock()
	c := p.conns[e.Fd]
	if c != nil && c.number != e.Pad {
		c = nil
	}
	p.mu.Unlock()
	if c != nil {
		c.SocketReady(events)
	}
}

func (p *epoll) Add(c *Conn, nc net.Conn) error {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return errNotTCP
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	fd := -1
	if ctlErr := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); ctlErr != nil || err != nil {
		return errors.Join(ctlErr, err)
	}
	_ = nc.Close() // the duplicate keeps the connection open
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notsentLowat)
	// Ends also a peer that acknowledges, but takes nothing. The write timeout comes first.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int((p.writeTimeout + 10*time.Second).Milliseconds()))

	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	c.fd, c.number = int32(fd), p.count
	for len(p.conns) <= fd {
		p.conns = append(p.conns, nil)
	}
	p.conns[fd] = c
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: c.fd, Pad: c.number}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		p.conns[fd] = nil
		_ = unix.Close(fd)
		return err
	}
	return nil
}

func (p *epoll) Write(c *Conn, b []byte) (int, error) {
	for {
		n, err := unix.Write(int(c.fd), b)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, ErrWouldBlock
		default:
			return 0, err
		}
	}
}

func (p *epoll) Discard(c *Conn) error {
	var b [2048]byte
	for range 16 {
		n, err := unix.Read(int(c.fd), b[:])
		switch {
		case err == unix.EAGAIN:
			return nil
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return io.EOF
		}
	}
	return errClientSends
}

func (p *epoll) Drop(c *Conn) {
	p.mu.Lock()
	p.conns[c.fd] = nil
	p.mu.Unlock()
	_ = unix.Close(int(c.fd)) // which takes it out of the epoll instance
}

// MaxDescriptors is how many descriptors this process may have open; 0: unknown.
func MaxDescriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(limit.Cur, 1<<30))
}
