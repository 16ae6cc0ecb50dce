// Hints: somebody says that something happened to a payment. An order that is paid is asked about only once in days without
// them, so a hint is tried as often as an event is; but it lives in this node's memory only.
package payments

import (
	"context"
	"sync"
	"time"
)

const (
	maxHints  = 1024 // orders of which hints wait; those of more are dropped
	hintHands = 4    // that look at hints
)

// hint is an order to look at, for the given-th time.
type hint struct {
	impUID string
	given  uint64
}

// Look has an order looked at soon, for somebody said that something happened to its payment; false: there is no room now.
// It never blocks. However often that is said, the order waits once.
func (w *Worker) Look(impUID string) bool { return w.look(hint{impUID, 1}, 0) }

func (w *Worker) look(h hint, wait time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.hinted[h.impUID]:
		return true
	case len(w.hinted) == maxHints:
		w.stats.hintsDropped.Add(1)
		return false
	}
	w.hinted[h.impUID] = true
	if wait > 0 {
		time.AfterFunc(wait, func() { w.hints <- h })
	} else {
		w.hints <- h // has room for all that wait
	}
	return true
}

// heed begins to look: what is said from now on is another hint.
func (w *Worker) heed(impUID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.hinted, impUID)
}

// Run looks at hints until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	var hands sync.WaitGroup
	defer hands.Wait()
	for range hintHands {
		hands.Go(func() {
			for {
				select {
				case h := <-w.hints:
					if wait := w.again(ctx, h.impUID, w.settle(ctx, h.impUID, hinted), h.given); wait > 0 {
						w.look(hint{h.impUID, h.given + 1}, wait)
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
}
