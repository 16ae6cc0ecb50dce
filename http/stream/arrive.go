// A client may come with an id that another node told it and this one has not told yet. That is a matter of milliseconds.
package stream

import (
	"context"
	"time"
)

// An arrival waits for the ring to reach the number it came with.
type arrival struct {
	number  uint64
	reached chan struct{}
}

// reach waits until event number is told, but not longer than patience.
func (h *Hub) reach(ctx context.Context, number uint64, patience time.Duration) bool {
	a := &arrival{number, make(chan struct{})}
	h.mu.Lock()
	if number <= h.ring.head {
		h.mu.Unlock()
		return true
	}
	h.ahead[a] = struct{}{}
	h.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-a.reached:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.ahead, a)
	return number <= h.ring.head
}
