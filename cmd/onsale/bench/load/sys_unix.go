//go:build unix

package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepThread sleeps in the kernel. It may return early.
func sleepThread(d time.Duration) {
	timeout := unix.NsecToTimeval(int64(d))
	_, _ = unix.Select(0, nil, nil, nil, &timeout)
}

// setReceiveBuffer sets the kernel's buffer of a socket, in bytes.
func setReceiveBuffer(fd uintptr, size int) {
	_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, size)
}
