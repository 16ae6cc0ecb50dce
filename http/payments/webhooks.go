// Webhooks: a notification is a reason to look an order's payment up. The rules recheck a paid order only once in days, so
// a webhook is retried as often as an event; but it is kept in this node's memory only. Anybody can send one, so a user's
// orders have a share of what may be pending, and wait in the same queue as events.

package payments

import (
	"context"
	"sync"
	"time"
)

const (
	maxPending        = 1024 // orders with a pending webhook; webhooks for more are dropped
	maxPendingPerUser = 64
)

// notification is an order to look at.
type notification struct {
	impUID, user string
	attempt      uint64
}

// Notify has a payment looked up soon because a webhook named it; false: too many are pending. It never blocks. An order is
// pending once, however many webhooks name it. What names no order of this node's store needs nothing: an order is looked
// up when it is placed.
func (w *Worker) Notify(impUID string) bool {
	o, _, err := w.order(impUID)
	switch {
	case err != nil:
		return w.enqueue(notification{impUID, "", 1}, 0)
	case o == nil:
		return true
	}
	return w.enqueue(notification{impUID, o.User, 1}, 0)
}

func (w *Worker) enqueue(n notification, delay time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, pending := w.pending[n.impUID]
	switch {
	case pending:
		return true
	case len(w.pending) == maxPending, w.pendingOfUser[n.user] == maxPendingPerUser:
		w.metrics.webhooksDropped.Inc()
		return false
	}
	w.pending[n.impUID] = n.user
	w.pendingOfUser[n.user]++
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
	user, pending := w.pending[impUID]
	if !pending {
		return
	}
	delete(w.pending, impUID)
	if w.pendingOfUser[user]--; w.pendingOfUser[user] == 0 {
		delete(w.pendingOfUser, user)
	}
}

// Run works on webhooks until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case n := <-w.notifications:
			running.Go(func() {
				err := w.reconcileInTurn(ctx, n.impUID, triggerWebhook)
				if delay := w.retryDelay(ctx, n.impUID, err, n.attempt); delay > 0 {
					w.enqueue(notification{n.impUID, n.user, n.attempt + 1}, delay)
				}
			})
		case <-ctx.Done():
			return
		}
	}
}
