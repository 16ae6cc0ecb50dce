package command

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen opens the address that a flag names. If it is taken, the error names the process that listens there, where that can be
// found: after a kill -9 of "go run" the binary that it started lives on.
func listen(address, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, listenError(address, flag, err)
	}
	return l, nil
}

// listenError adds what to do.
func listenError(address, flag string, err error) error {
	switch {
	case errors.Is(err, syscall.EACCES):
		return hintError{err, "this user may not listen there: grant CAP_NET_BIND_SERVICE (AmbientCapabilities= in a systemd unit), " +
			"or choose a port above 1023 with " + flag}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return hintError{err, "this machine does not have that address; choose another with " + flag}
	case !errors.Is(err, syscall.EADDRINUSE):
		return hintError{err, "choose another address with " + flag}
	}
	if pid, name := listener(address); pid != 0 {
		return hintError{fmt.Errorf("%w by process %d (%s)", err, pid, name),
			fmt.Sprintf("stop it with \"kill %d\", or choose another address with %s", pid, flag)}
	}
	return hintError{err, "another process listens there; choose another address with " + flag}
}
