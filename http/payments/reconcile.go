// What is done about an event.

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
	"onsale/projections"
)

// How often an event is tried before it is left to the rules, which wake the worker again after a minute, two, four, and
// so on. Where nobody could even be asked, it is tried on.
const (
	maxAttempts = 8
	maxBackoff  = 30 // seconds, from one try to the next; the first wait is one second, each further one twice as long
)

// Handle is to be called with every event of orders and products; see streams.Work for again.
func (w *Worker) Handle(ctx context.Context, e domain.Event, attempt uint64) (retryAfter time.Duration) {
	var err error
	switch body := e.Body.(type) {
	case orders.Placed, orders.RejectedPaid, orders.RefundDue:
		err = w.reconcileAfter(ctx, e, triggerEvent)
	case orders.Recheck:
		err = w.reconcileAfter(ctx, e, triggerRecheck)
	case orders.Prepared:
		err = w.prepare(ctx, body)
	}
	return w.retryDelay(ctx, e.Entity, err, attempt)
}

// reconcileAfter settles when this node's store has e, which may be another node's.
func (w *Worker) reconcileAfter(ctx context.Context, e domain.Event, t trigger) error {
	if err := w.Projector.WaitConfirmed(ctx, e.Number); err != nil {
		return err
	}
	return w.reconcile(ctx, e.Entity, t)
}

// retryDelay is how long to wait before something is tried once more that came to err; 0 says that it is not.
func (w *Worker) retryDelay(ctx context.Context, entity string, err error, attempt uint64) time.Duration {
	switch {
	case err == nil || ctx.Err() != nil:
		return 0
	case errors.Is(err, errCircuitOpen):
		return w.timeUnit
	case attempt < maxAttempts || !errors.Is(err, portone.ErrUnknown):
		return min(w.timeUnit<<min(attempt-1, 10), maxBackoff*w.timeUnit)
	}
	w.Log.Warn("the provider gives no answer that helps, and is left to the rules", "entity", entity, "error", err)
	return 0
}

// prepare tells the provider which amount belongs to a merchant_uid, so that its window refuses another. What it pays is
// verified all the same, so a no is no harm.
func (w *Worker) prepare(ctx context.Context, p orders.Prepared) error {
	_, err := w.call(ctx, "prepare", func() (any, error) { return nil, w.Provider.Prepare(ctx, p.MerchantUID, p.Amount) })
	if refusal, refused := errors.AsType[*portone.Refusal](err); refused {
		w.Log.Warn("the provider does not bind the amount beforehand", "merchant_uid", p.MerchantUID, "error", refusal)
		return nil
	}
	return err
}

// One order: what is asked, in which order, and what is done with the answer.

// Why an order is looked at. Only the last two are reasons to ask about one that is paid, or has its money back.
type trigger int

const (
	triggerEvent   trigger = iota // something, and there may be more to do
	triggerRecheck                // it is time to ask again
	triggerWebhook                // somebody says that something happened
)

// reconcile makes an order know what the provider knows, and has money given back that the rules want back. The error says
// why something is left to do.
func (w *Worker) reconcile(ctx context.Context, impUID string, t trigger) error {
	unlock, err := w.lockOrder(ctx, impUID)
	if err != nil {
		return err
	}
	defer unlock()
	if t == triggerWebhook {
		w.clearPending(impUID)
	}
	for range 5 {
		o, now, err := w.order(impUID)
		if err != nil || o == nil || t == triggerEvent && (o.Status == orders.StatusPaid || o.Status == orders.StatusRefunded) {
			return err
		}
		p, err := w.fetch(ctx, impUID)
		if err != nil {
			return err
		}
		// The rules have seen this payment, and it is the order's user's.
		if o.Status == orders.StatusRefunding && o.Payment != nil && p.Refundable() > 0 {
			if p, err = w.refund(ctx, o, p); err != nil {
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
		// Where the order changed while the provider was asked, it has not heard this. Then everything begins anew.
		if o, _, err = w.order(impUID); err != nil || o.Payment != nil && *o.Payment == p {
			return err
		}
	}
	return errors.New("the order changes faster than anybody can ask")
}

// order is how the order stands, with the log's time; nil when there is none.
func (w *Worker) order(impUID string) (o *orders.Order, now domain.Time, err error) {
	err = w.Projector.Read("", func(v *projections.View) error {
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
	err = w.Projector.Read("", func(v *projections.View) error {
		found, ok, err := v.Preparation(merchantUID)
		if ok {
			p = &found
		}
		return err
	})
	return p, err
}

// refund asks the provider to give back what is left, and then what is left now: whatever it answered, only that tells.
// A crash in between leaves an order that is REFUNDING, and the next one finds less.
func (w *Worker) refund(ctx context.Context, o *orders.Order, p orders.Payment) (orders.Payment, error) {
	pending, err := w.call(ctx, "cancel", func() (any, error) {
		return w.Provider.Cancel(ctx, portone.Cancel{
			Ref: o.PaymentID, Amount: p.Refundable(), Cancellable: p.Refundable(), Reason: "onsale: " + o.Reason,
			Key: fmt.Sprintf("onsale-refund-%s-%d-%d-%d", o.PaymentID, o.LastEvent, o.RecheckCount, p.Refundable()),
		})
	})
	if errors.Is(err, errCircuitOpen) || ctx.Err() != nil {
		return p, cmp.Or(err, ctx.Err())
	}
	if pending == true {
		return p, fmt.Errorf("%w: the provider gives the money back later", portone.ErrUnknown)
	}
	after, getErr := w.fetch(ctx, o.PaymentID)
	switch {
	case getErr != nil:
		return p, getErr
	case after.Refundable() == 0:
		return after, nil
	case err == nil:
		err = errors.New("it says that it has given the money back, and has it")
	}
	return after, fmt.Errorf("%w: %d of %s are still there: %w", portone.ErrUnknown, after.Refundable(), o.PaymentID, err)
}

// recordPayment appends what was heard, and waits until it is decided here. Whether it was stored is nobody's worry: if not, it is
// asked for again, and if so, twice.
func (w *Worker) recordPayment(ctx context.Context, o *orders.Order, p orders.Payment) error {
	sequence, err := w.Append(ctx, domain.Command{Entity: o.PaymentID, Body: orders.RecordPayment{LastEvent: o.LastEvent, Payment: p}})
	if err != nil {
		return err
	}
	w.counters.recorded.Add(1)
	return w.Projector.WaitDecided(ctx, sequence)
}

// lockOrder waits until nobody else on this node works on the order.
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
