// What is done about an event.
package payments

import (
	"context"
	"errors"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/portone"
)

// How often an event is tried before it is left to the rules, which wake the worker again after a minute, two, four, and
// so on. Where nobody could even be asked, it is tried on.
const (
	maxGiven = 8
	longest  = 30 // seconds, from one try to the next; the first wait is one second, each further one twice as long
)

// Do is to be called with every event of orders and products; see streams.Work for again.
func (w *Worker) Do(ctx context.Context, e domain.Event, given uint64) (again time.Duration) {
	var err error
	switch body := e.Body.(type) {
	case orders.Placed, orders.Kept, orders.RefundDue:
		err = w.settleAfter(ctx, e, happened)
	case orders.Recheck:
		err = w.settleAfter(ctx, e, due)
	case orders.Prepared:
		err = w.prepare(ctx, body)
	}
	return w.again(ctx, e.Entity, err, given)
}

// settleAfter settles when this node's store has e, which may be another node's.
func (w *Worker) settleAfter(ctx context.Context, e domain.Event, why reason) error {
	if err := w.Projector.WaitConfirmed(ctx, e.Number); err != nil {
		return err
	}
	return w.settle(ctx, e.Entity, why)
}

// again is how long to wait before something is tried once more that came to err; 0 says that it is not.
func (w *Worker) again(ctx context.Context, entity string, err error, given uint64) time.Duration {
	switch {
	case err == nil || ctx.Err() != nil:
		return 0
	case errors.Is(err, errAway):
		return w.second
	case given < maxGiven || !errors.Is(err, portone.ErrUnknown):
		return min(w.second<<min(given-1, 10), longest*w.second)
	}
	w.Log.Warn("the provider gives no answer that helps, and is left to the rules", "entity", entity, "error", err)
	return 0
}

// prepare tells the provider which amount belongs to a merchant_uid, so that its window refuses another. What it pays is
// verified all the same, so a no is no harm.
func (w *Worker) prepare(ctx context.Context, p orders.Prepared) error {
	_, err := w.ask(ctx, "prepare", func() (any, error) { return nil, w.Provider.Prepare(ctx, p.MerchantUID, p.Amount) })
	if refusal, no := errors.AsType[*portone.Refusal](err); no {
		w.Log.Warn("the provider does not bind the amount beforehand", "merchant_uid", p.MerchantUID, "error", refusal)
		return nil
	}
	return err
}
