// epoll over many connections.

package load

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// poll owns the descriptors of connections, which are numbered in the order in which they were added.
type poll struct {
	epoll  int
	fds    []int
	events [512]unix.EpollEvent
	ready  [512]int32
}

func newPoll() (*poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &poll{epoll: fd}, err
}

// add takes over a duplicate of conn's descriptor, which needs no goroutine of Go's own poller.
func (p *poll) add(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var fd int
	var dupErr error
	err = raw.Control(func(original uintptr) { fd, dupErr = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(err, dupErr); err != nil {
		return err
	}
	p.fds = append(p.fds, fd)
	return unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(p.fds) - 1)})
}

// remove stops watching a connection.
func (p *poll) remove(number int) { _ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, p.fds[number], nil) }

// wait returns the numbers of readable connections; none after 100 ms.
func (p *poll) wait() ([]int32, error) {
	n, err := unix.EpollWait(p.epoll, p.events[:], 100)
	if err == unix.EINTR {
		return nil, nil
	}
	for i := range max(n, 0) {
		p.ready[i] = p.events[i].Fd
	}
	return p.ready[:max(n, 0)], err
}

// read reads what has arrived; errRetry: nothing.
func (p *poll) read(number int, in []byte) (int, error) {
	n, err := unix.Read(p.fds[number], in)
	if err == unix.EAGAIN || err == unix.EINTR {
		return 0, errRetry
	}
	return n, err
}

// close closes all connections.
func (p *poll) close() {
	for _, fd := range p.fds {
		_ = unix.Close(fd)
	}
	_ = unix.Close(p.epoll)
}
