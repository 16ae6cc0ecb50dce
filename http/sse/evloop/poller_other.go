//go:build !linux

package evloop

import (
	"errors"
	"time"
)

// NewPoller is the system's poller; errors.ErrUnsupported: it has none.
func NewPoller(time.Duration) (Poller, error) { return nil, errors.ErrUnsupported }

// MaxDescriptors is how many descriptors this process may have open; 0: unknown.
func MaxDescriptors() int { return 0 }
