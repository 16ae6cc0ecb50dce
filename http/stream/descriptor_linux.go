// Sockets on Linux: connections are taken from the runtime by a duplicate of their descriptor, so nothing of net is kept for
// them.
package stream

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// notSent is how much a socket takes that is not on its way yet. More would only be kept by the kernel for a reader that
// is not there; what is on its way is the reader's own window.
const notSent = 16 << 10

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
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSent)
	// Also a peer that answers, but takes nothing, is given up then; a write timeout comes first.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int((p.patience + 10*time.Second).Milliseconds()))

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
			return 0, errFull
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
	return errTalks
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
