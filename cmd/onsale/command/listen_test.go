package command

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestListen_SaysWhatToDo(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.EACCES:        "CAP_NET_BIND_SERVICE",
		syscall.EADDRNOTAVAIL: "this machine does not have that address",
		syscall.EADDRINUSE:    "another process listens there",
		syscall.EMFILE:        "choose another address with --listen",
	} {
		refused := &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", errno)} // as net.Listen has it
		err := listenError("127.0.0.1:1", "--listen", refused)
		hint, ok := errors.AsType[hintError](err)
		if !ok || !strings.Contains(hint.Hint(), want) || !errors.Is(err, errno) {
			t.Errorf("%v: got %v and the hint %q, want %q in it", errno, err, hint.Hint(), want)
		}
	}
}
