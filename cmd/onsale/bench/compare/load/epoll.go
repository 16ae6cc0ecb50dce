// Sockets without Go's poller: one thread, no goroutine for each connection.

package load

import (
	"fmt"
	"net"
	"syscall"
	"time"
	"unsafe"
)

type poller struct {
	fd     int
	events [512]syscall.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	return &poller{fd: fd}, err
}

func (p *poller) close() { _ = syscall.Close(p.fd) }

func (p *poller) add(fd int) error {
	return syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP, Fd: int32(fd)})
}

const sysEpollPwait2 = 441 // on every architecture; since Linux 5.11

// wait returns when something can be read or d is over. Unlike epoll_wait it counts nanoseconds: a millisecond is more than an
// answer takes.
func (p *poller) wait(d time.Duration) ([]syscall.EpollEvent, error) {
	timeout := syscall.NsecToTimespec(int64(max(d, 0)))
	n, _, errno := syscall.Syscall6(sysEpollPwait2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)),
		uintptr(unsafe.Pointer(&timeout)), 0, 0)
	switch errno {
	case 0:
		return p.events[:n], nil
	case syscall.EINTR:
		return nil, nil
	default:
		return nil, fmt.Errorf("epoll_pwait2: %w", errno)
	}
}

type address syscall.SockaddrInet4

func resolve(target string) (a address, err error) {
	tcp, err := net.ResolveTCPAddr("tcp4", target)
	if err != nil {
		return a, err
	}
	if !tcp.IP.IsLoopback() {
		return a, fmt.Errorf("%s is not on loopback", target)
	}
	a.Port = tcp.Port
	copy(a.Addr[:], tcp.IP.To4())
	return a, nil
}

// dial returns a connected socket that does not block.
func (a *address) dial() (int, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = syscall.Connect(fd, (*syscall.SockaddrInet4)(a))
	if err == nil {
		err = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	}
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}
