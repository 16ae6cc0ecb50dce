//go:build !linux

package sse

import "errors"

// newPoller: without epoll every stream is served by a goroutine of net/http.
func newPoller(*Hub) (poller, error) { return nil, errors.ErrUnsupported }

func fileLimit() int { return 0 }
