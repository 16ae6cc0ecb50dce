//go:build !linux

package evloop

import (
	"errors"
	"time"
)

func newPoller(time.Duration) (Poller, error) { return nil, errors.ErrUnsupported }

// MaxDescriptors is how many descriptors this process may have open; 0: unknown.
func MaxDescriptors() int { return 0 }
