// Webhooks: a notification is a reason to look an order's payment up. The rules recheck a paid order only once in days, so
// a webhook is retried as often as an event; but it is kept in this node's memory only.

package payments

import (
	"context"
	"sync"
	"time"
)

const (
	maxPending     = 1024 // orders with a pending webhook; webhooks for more are dropped
	webhookWorkers = 4
)

// notification is an order to look at.
type notification struct {
	impUID  string
	attempt uint64
}

// Notify has a payment looked up soon because a webhook named it; false: too many are pending. It never blocks. An order is
// pending once, however many webhooks name it.
func (w *Worker) Notify(impUID string) bool { return w.enqueue(notification{impUID, 1}, 0) }

func (w *Worker) enqueue(n notification, delay time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.pending[n.impUID]:
		return true
	case len(w.pending) == maxPending:
		w.metrics.webhooksDropped.Inc()
		return false
	}
	w.pending[n.impUID] = true
	if delay > 0 {
		time.AfterFunc(delay, func() { w.notifications <- n })
	} else {
		w.notifications <- n // its buffer holds maxPending
	}
	return true
}

// clearPending is called before the payment is looked up: a webhook that comes from now on is a new one.
func (w *Worker) clearPending(impUID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pending, impUID)
}

// Run works on webhooks until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	for range webhookWorkers {
		workers.Go(func() {
			for {
				select {
				case n := <-w.notifications:
					err := w.reconcile(ctx, n.impUID, triggerWebhook)
					if delay := w.retryDelay(ctx, n.impUID, err, n.attempt); delay > 0 {
						w.enqueue(notification{n.impUID, n.attempt + 1}, delay)
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
}
