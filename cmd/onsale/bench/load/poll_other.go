//go:build !linux

package load

import "errors"

type poll struct{}

func newPoll() (*poll, error)        { return nil, errors.New("thousands of streams are read on Linux only") }
func (*poll) add(int, int) error     { return nil }
func (*poll) remove(int)             {}
func (*poll) wait() ([]int32, error) { return nil, nil }
func (*poll) close()                 {}
