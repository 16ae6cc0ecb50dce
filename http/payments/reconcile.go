// Reconciling one order with its payment: look the payment up, refund what the rules want back, record the result.

package payments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments/portone"
	"onsale/projections/store"
)

// trigger is why an order is reconciled. Only a recheck or a webhook looks up the payment of an order that is paid or
// refunded.
type trigger int

const (
	triggerEvent trigger = iota
	triggerRecheck
	triggerWebhook
)

// reconcileAfter reconciles once this node's store has event e, which may come from another node. One consumer has the orders without a
// result, the other, in the background, those with one. Where both leave an event to the other, the order got its result in between, and
// what is to be done after that has an event of its own.
func (w *Worker) reconcileAfter(ctx context.Context, e domain.Event, t trigger, background bool) error {
	if err := w.Projector.WaitConfirmed(ctx, e.Number); err != nil {
		return err
	}
	o, _, err := w.order(e.Entity)
	// No provider knows a free order. Its id does not say so: older versions let payments have one like it.
	if err != nil || o == nil || o.IsFree() || (o.ResultEvent != 0) != background {
		return err
	}
	if recheck, ok := e.Body.(orders.Recheck); ok && recheck.Attempt != o.RecheckCount {
		return nil // the order has changed, or was rechecked: a later event asks for what is to be done
	}
	return w.reconcileInTurn(ctx, e.Entity, t)
}

// isRefundOnly says whether an order has had its result, and nothing is left but to refund it.
func isRefundOnly(o *orders.Order) bool {
	return o.Status == orders.StatusRefunding && o.ResultEvent != 0
}

// reconcileInTurn reconciles when the turn of the order's user has come.
func (w *Worker) reconcileInTurn(ctx context.Context, impUID string, t trigger) error {
	release, err := w.awaitTurn(ctx, impUID, t)
	if release == nil {
		if t == triggerWebhook {
			w.clearPending(notification{impUID: impUID})
		}
		return err
	}
	defer release()
	return w.reconcile(ctx, impUID, t)
}

// awaitTurn returns nil, and perhaps an error, if there is nothing to do.
func (w *Worker) awaitTurn(ctx context.Context, impUID string, t trigger) (release func(), err error) {
	o, _, err := w.order(impUID)
	if err != nil || o == nil {
		return nil, err
	}
	c := classFirst
	switch {
	case isRefundOnly(o):
		c = classRefund
	case t == triggerRecheck, o.ResultEvent != 0: // also the webhook of a refund that was made here
		c = classRecheck
	}
	return w.queue.acquire(ctx, o.User, c)
}

// reconcile records what the provider knows of an order's payment, and refunds it if the rules want that. An error means that
// something is left to do.
func (w *Worker) reconcile(ctx context.Context, impUID string, t trigger) error {
	unlock, err := w.lockOrder(ctx, impUID)
	if err != nil {
		return err
	}
	defer unlock()
	if t == triggerWebhook {
		w.clearPending(notification{impUID: impUID})
	}
	for range 5 {
		o, now, err := w.order(impUID)
		if err != nil || o == nil || t == triggerEvent && (o.Status == orders.StatusPaid || o.Status == orders.StatusRefunded) {
			return err
		}
		p, refunds, err := w.fetch(ctx, impUID)
		if err != nil {
			return err
		}
		// o.Payment is set only once the rules have found the payment to be this order's.
		if o.Status == orders.StatusRefunding && o.Payment != nil && p.Refundable() > o.Kept {
			if p, err = w.refund(ctx, o, p, refunds); err != nil {
				return err
			}
		}
		prepared, err := w.preparation(p.MerchantUID)
		if err != nil || o.Evaluate(p, prepared, now) == nil {
			return err
		}
		if err := w.recordPayment(ctx, o, p); err != nil {
			return err
		}
		// The rules ignored the result if the order changed during the look-up. Then start over.
		if o, _, err = w.order(impUID); err != nil || o.Payment != nil && *o.Payment == p {
			return err
		}
	}
	return errors.New("order changed during each of 5 look-ups")
}

// order returns an order, nil if there is none, and the log's time.
func (w *Worker) order(impUID string) (o *orders.Order, now domain.Time, err error) {
	err = w.Projector.Read("", func(v *store.View) error {
		found, ok, err := v.Order(impUID)
		if ok {
			o, now = &found, v.Now()
		}
		return err
	})
	return o, now, err
}

func (w *Worker) preparation(merchantUID string) (p *orders.Preparation, err error) {
	if merchantUID == "" {
		return nil, nil
	}
	err = w.Projector.Read("", func(v *store.View) error {
		found, ok, err := v.Preparation(merchantUID)
		if ok {
			p = &found
		}
		return err
	})
	return p, err
}

// refund refunds what is left, but for what the shop keeps, and looks the payment up again: whatever the response to the refund, only
// that tells what happened. After a crash in between, the order is still REFUNDING and the next look-up finds less to refund.
//
// The key is that of one attempt: the same after an unknown outcome, also on another node; another one when the provider shows a
// refund more, for one that was pending may have failed, or when the rules ask again, for the provider repeats refusals too.
func (w *Worker) refund(ctx context.Context, o *orders.Order, p orders.Payment, refunds int) (orders.Payment, error) {
	pending, err := w.call(ctx, "cancel", func() (any, error) {
		return w.Provider.Cancel(ctx, portone.Cancel{
			Ref: o.PaymentID, Amount: p.Refundable() - o.Kept, Cancellable: p.Refundable(), Currency: p.Currency,
			Reason: "onsale: " + o.Reason,
			Key:    fmt.Sprintf("onsale-refund-%s-%d-%d-%d-%d-%d", o.PaymentID, o.LastEvent, o.RecheckCount, refunds, p.Refundable(), o.Kept),
		})
	})
	if errors.Is(err, errCircuitOpen) || ctx.Err() != nil {
		return p, cmp.Or(err, ctx.Err())
	}
	if pending == true {
		return p, fmt.Errorf("%w: the provider refunds later", portone.ErrUnknown)
	}
	after, _, getErr := w.fetch(ctx, o.PaymentID)
	switch {
	case getErr != nil:
		return p, getErr
	case after.Refundable() <= o.Kept:
		return after, nil
	case err == nil:
		err = errors.New("the provider accepted the refund, but shows another balance")
	}
	return after, fmt.Errorf("%w: %d of %s not refunded: %w", portone.ErrUnknown, after.Refundable()-o.Kept, o.PaymentID, err)
}

// recordPayment appends the result and waits until this node has decided it. A lost append is harmless: the payment is
// looked up again.
func (w *Worker) recordPayment(ctx context.Context, o *orders.Order, p orders.Payment) error {
	sequence, err := w.Append(ctx, domain.Command{Entity: o.PaymentID, Body: orders.RecordPayment{LastEvent: o.LastEvent, Payment: p}})
	if err != nil {
		return err
	}
	w.metrics.results.Inc()
	return w.Projector.WaitDecided(ctx, sequence)
}

// lockOrder waits until no other goroutine of this node works on the order.
func (w *Worker) lockOrder(ctx context.Context, impUID string) (unlock func(), err error) {
	released := make(chan struct{})
	for {
		w.mu.Lock()
		held, locked := w.inFlight[impUID]
		if !locked {
			w.inFlight[impUID] = released
		}
		w.mu.Unlock()
		if !locked {
			return func() {
				w.mu.Lock()
				delete(w.inFlight, impUID)
				w.mu.Unlock()
				close(released)
			}, nil
		}
		select {
		case <-held:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// After maxAttempts an event is left to the rules, which recheck the order after one minute, two, four, and so on; one that
// was deferred is left to them at once. While the circuit is open nothing counts as an attempt.
const (
	maxAttempts = 8
	maxBackoff  = 30 // seconds between two attempts; the first delay is one second, and each is twice the one before
)

// retryDelay is when to try again after err; 0 is never.
func (w *Worker) retryDelay(ctx context.Context, entity string, err error, attempt uint64) time.Duration {
	switch {
	case err == nil || ctx.Err() != nil:
		return 0
	case errors.Is(err, errDeferred):
		w.metrics.deferred.Inc()
		return 0
	case errors.Is(err, errCircuitOpen):
		return w.timeUnit
	case attempt < maxAttempts || !errors.Is(err, portone.ErrUnknown):
		return min(w.timeUnit<<min(attempt-1, 10), maxBackoff*w.timeUnit)
	}
	w.Logger.Warn("payment outcome still unknown, waiting for the next recheck", "entity", entity, "attempts", attempt, "error", err)
	return 0
}
