package command

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen opens the address that a flag names. If it is taken, the error names the process that listens there, where that can be found: after a
// kill -9 of "go run" the binary that it started lives on.
func listen(address, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return nil, hintError{err, "choose another address with " + flag}
	}
	if pid, name := listener(address); pid != 0 {
		return nil, hintError{fmt.Errorf("%w by process %d (%s)", err, pid, name),
			fmt.Sprintf("stop it with \"kill %d\", or choose another address with "+flag, pid)}
	}
	return nil, hintError{err, "another process listens there; choose another address with " + flag}
}
