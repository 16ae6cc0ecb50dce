// The poller on Linux: one epoll instance says which sockets can be written again, have something to read, or are gone.

package sse

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

type epoll struct {
	fd, stopFD   int // the instance, and an eventfd that ends it
	writeTimeout time.Duration

	mu      sync.Mutex
	sockets []*socket // by descriptor
	count   int32     // ever; descriptors are used again, numbers are not
}

func newPoller(h *Hub) (poller, error) {
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
	p := &epoll{fd: fd, stopFD: stopFD, writeTimeout: h.WriteTimeout}
	h.background.Go(p.run)
	return p, nil
}

func (p *epoll) close() {
	_, _ = unix.Write(p.stopFD, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// run tells the loops what happens, until close.
func (p *epoll) run() {
	defer func() { _, _ = unix.Close(p.fd), unix.Close(p.stopFD) }()
	var events [256]unix.EpollEvent
	for {
		n, err := unix.EpollWait(p.fd, events[:], -1)
		if err != nil && err != unix.EINTR {
			panic("stream: epoll: " + err.Error()) // only a bug of this file makes it fail
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd < 0 {
				return
			}
			p.dispatch(e)
		}
	}
}

// dispatch passes an event on. A descriptor may belong to another connection by now; its number does not.
func (p *epoll) dispatch(e unix.EpollEvent) {
	var events ready
	if e.Events&unix.EPOLLOUT != 0 {
		events |= writable
	}
	if e.Events&unix.EPOLLIN != 0 {
		events |= readable
	}
	if e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		events |= gone
	}
	p.mu.Lock()
	s := p.sockets[e.Fd]
	if s != nil && s.number != e.Pad {
		s = nil
	}
	p.mu.Unlock()
	if s != nil {
		s.loop.onReady(s, events)
	}
}

// Sockets on Linux: connections are taken from the runtime by a duplicate of their descriptor, so nothing of net is kept for
// them.

// notsentLowat is how much a socket takes that is not on its way yet. More would only be kept by the kernel for a reader that
// is not there; what is on its way is the reader's own window.
const notsentLowat = 16 << 10

func (p *epoll) add(s *socket, c net.Conn) error {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return errNotSocket
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	fd := -1
	if ctlErr := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); ctlErr != nil || err != nil {
		return errors.Join(ctlErr, err)
	}
	_ = c.Close() // the duplicate keeps the connection
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notsentLowat)
	// Also a peer that answers, but takes nothing, is given up then; a write timeout comes first.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int((p.writeTimeout + 10*time.Second).Milliseconds()))

	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	s.fd, s.number = int32(fd), p.count
	for len(p.sockets) <= fd {
		p.sockets = append(p.sockets, nil)
	}
	p.sockets[fd] = s
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: s.fd, Pad: s.number}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		p.sockets[fd] = nil
		_ = unix.Close(fd)
		return err
	}
	return nil
}

func (p *epoll) write(s *socket, b []byte) (int, error) {
	for {
		n, err := unix.Write(int(s.fd), b)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, errWouldBlock
		default:
			return 0, err
		}
	}
}

func (p *epoll) discard(s *socket) error {
	var b [2048]byte
	for range 16 {
		n, err := unix.Read(int(s.fd), b[:])
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

func (p *epoll) drop(s *socket) {
	p.mu.Lock()
	p.sockets[s.fd] = nil
	p.mu.Unlock()
	_ = unix.Close(int(s.fd)) // which takes it out of the instance
}

// fileLimit is how many descriptors this process may have.
func fileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(limit.Cur, 1<<30))
}
