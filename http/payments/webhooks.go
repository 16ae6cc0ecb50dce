// Webhooks: a notification is a reason to look an order's payment up, or that of a preparation whose order has not come. The rules
// recheck a paid order only once in days, so a webhook is retried as often as an event; but it is kept in this node's memory only.
// Anybody can send one, so a user's orders and preparations have a share of what may be pending, and wait in the same queue as events.

package payments

import (
	"context"
	"sync"
	"time"

	"onsale/domain/orders"
	"onsale/http/payments/portone"
)

const (
	maxPending        = 1024 // orders with a pending webhook; webhooks for more are dropped
	maxUnsent         = 8192 // the same for payments whose order has not come: with most of them it comes a moment later
	maxPendingPerUser = 64
)

// notification is a payment to look at.
type notification struct {
	impUID, user string
	merchantUID  string // of the preparation, where the payment has no order; else ""
	attempt      uint64
}

func (n notification) key() string { return n.impUID + " " + n.merchantUID }

// Notify has a payment looked up soon because a webhook named it; false: too many are pending. It never blocks. A payment is
// pending once, however many webhooks name it. One that has no order in this node's store is looked up only if it is said to be for a
// preparation, after its order has had some time to come; all others need nothing, since an order is looked up when it is placed.
func (w *Worker) Notify(hook portone.Webhook) bool {
	o, _, err := w.order(hook.Ref)
	switch {
	case err != nil:
		return w.enqueue(notification{impUID: hook.Ref, attempt: 1}, 0)
	case o == nil && orders.IsReserved(hook.Ref), o != nil && o.IsFree():
		return true
	case o != nil:
		return w.enqueue(notification{impUID: hook.Ref, user: o.User, attempt: 1}, 0)
	}
	p, err := w.unsentPreparation(hook.MerchantUID)
	if err != nil || p == nil {
		return true
	}
	return w.enqueue(notification{impUID: hook.Ref, user: p.User, merchantUID: hook.MerchantUID, attempt: 1}, graceForOrder*w.timeUnit)
}

func (w *Worker) enqueue(n notification, delay time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, pending := w.pending[n.key()]
	full := len(w.pending)-w.unsent == maxPending
	if n.merchantUID != "" {
		full = w.unsent == maxUnsent
	}
	switch {
	case pending:
		return true
	case full, w.pendingOfUser[n.user] == maxPendingPerUser:
		w.metrics.webhooksDropped.Inc()
		return false
	}
	w.pending[n.key()] = n.user
	w.pendingOfUser[n.user]++
	if n.merchantUID != "" {
		w.unsent++
	}
	if delay > 0 {
		time.AfterFunc(delay, func() { w.notifications <- n })
	} else {
		w.notifications <- n // its buffer holds all that may be pending
	}
	return true
}

// clearPending is called before the payment is looked up: a webhook that comes from now on is a new one.
func (w *Worker) clearPending(n notification) {
	w.mu.Lock()
	defer w.mu.Unlock()
	user, pending := w.pending[n.key()]
	if !pending {
		return
	}
	delete(w.pending, n.key())
	if n.merchantUID != "" {
		w.unsent--
	}
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
				var err error
				if n.merchantUID != "" {
					err = w.findWebhook(ctx, n)
				} else {
					err = w.reconcileInTurn(ctx, n.impUID, triggerWebhook)
				}
				if delay := w.retryDelay(ctx, n.impUID, err, n.attempt); delay > 0 {
					n.attempt++
					w.enqueue(n, delay)
				}
			})
		case <-ctx.Done():
			return
		}
	}
}
