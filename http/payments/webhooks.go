// Hints: somebody says that something happened to a payment. An order that is paid is asked about only once in days without
// them, so a hint is tried as often as an event is; but it lives in this node's memory only.

package payments

import (
	"context"
	"sync"
	"time"
)

const (
	maxPending     = 1024 // orders of which hints wait; those of more are dropped
	webhookWorkers = 4    // that look at hints
)

// notification is an order to look at, for the given-th time.
type notification struct {
	impUID  string
	attempt uint64
}

// Notify has an order looked at soon, for somebody said that something happened to its payment; false: there is no room now.
// It never blocks. However often that is said, the order waits once.
func (w *Worker) Notify(impUID string) bool { return w.enqueue(notification{impUID, 1}, 0) }

func (w *Worker) enqueue(n notification, wait time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.pending[n.impUID]:
		return true
	case len(w.pending) == maxPending:
		w.counters.webhooksDropped.Add(1)
		return false
	}
	w.pending[n.impUID] = true
	if wait > 0 {
		time.AfterFunc(wait, func() { w.notifications <- n })
	} else {
		w.notifications <- n // has room for all that wait
	}
	return true
}

// clearPending begins to look: what is said from now on is another hint.
func (w *Worker) clearPending(impUID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pending, impUID)
}

// Run looks at hints until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	for range webhookWorkers {
		workers.Go(func() {
			for {
				select {
				case n := <-w.notifications:
					if wait := w.retryDelay(ctx, n.impUID, w.reconcile(ctx, n.impUID, triggerWebhook), n.attempt); wait > 0 {
						w.enqueue(notification{n.impUID, n.attempt + 1}, wait)
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
}
