// The kernel tells which of many sockets can be read.

package load

import "golang.org/x/sys/unix"

type poll struct {
	fd     int
	events [512]unix.EpollEvent
	ready  [512]int32
}

func newPoll() (*poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &poll{fd: fd}, err
}

// add takes a descriptor in, under a number.
func (p *poll) add(fd, number int) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(number)})
}

func (p *poll) remove(fd int) { _ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil) }

// wait gives the numbers of those that can be read, none after a tenth of a second.
func (p *poll) wait() ([]int32, error) {
	n, err := unix.EpollWait(p.fd, p.events[:], 100)
	if err == unix.EINTR {
		return nil, nil
	}
	for i := range max(n, 0) {
		p.ready[i] = p.events[i].Fd
	}
	return p.ready[:max(n, 0)], err
}

func (p *poll) close() { _ = unix.Close(p.fd) }
