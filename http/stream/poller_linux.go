// The poller on Linux: one epoll instance says which sockets can be written again, have something to read, or are gone.
package stream

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

type epoll struct {
	fd, bell int // the instance, and an eventfd that ends it
	patience time.Duration

	mu      sync.Mutex
	sockets []*socket // by descriptor
	count   int32     // ever; descriptors are used again, numbers are not
}

func newPoller(h *Hub) (poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: -1}); err != nil {
		_, _ = unix.Close(fd), unix.Close(bell)
		return nil, err
	}
	p := &epoll{fd: fd, bell: bell, patience: h.WriteTimeout}
	h.remote.Go(p.run)
	return p, nil
}

func (p *epoll) close() {
	_, _ = unix.Write(p.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// run tells the loops what happens, until close.
func (p *epoll) run() {
	defer func() { _, _ = unix.Close(p.fd), unix.Close(p.bell) }()
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
			p.tell(e)
		}
	}
}

// tell passes an event on. A descriptor may belong to another connection by now; its number does not.
func (p *epoll) tell(e unix.EpollEvent) {
	var what ready
	if e.Events&unix.EPOLLOUT != 0 {
		what |= writable
	}
	if e.Events&unix.EPOLLIN != 0 {
		what |= readable
	}
	if e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		what |= gone
	}
	p.mu.Lock()
	s := p.sockets[e.Fd]
	if s != nil && s.number != e.Pad {
		s = nil
	}
	p.mu.Unlock()
	if s != nil {
		s.loop.notice(s, what)
	}
}
