//go:build !linux

package load

import (
	"errors"
	"net"
)

type poll struct{}

func newPoll() (*poll, error)               { return nil, errors.New("thousands of streams are read on Linux only") }
func (*poll) add(*net.TCPConn) error        { return nil }
func (*poll) remove(int)                    {}
func (*poll) wait() ([]int32, error)        { return nil, nil }
func (*poll) read(int, []byte) (int, error) { return 0, errRetry }
func (*poll) close()                        {}
