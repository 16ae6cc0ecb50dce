// Asking, through the circuit breaker, and putting the answer into the rules' words.

package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"

	"onsale/domain/orders"
	"onsale/http/payments/portone"
)

// errCircuitOpen: the provider was not even asked, for it does not answer anybody now.
var errCircuitOpen = fmt.Errorf("%w, for the provider is away", portone.ErrUnknown)

// maxOpenWait is how long a request waits for a provider that is away, before somebody else has a try: it may be away from
// here only.
const maxOpenWait = 30 // seconds

// call counts what becomes of one request.
func (w *Worker) call(ctx context.Context, operation string, request func() (any, error)) (any, error) {
	deadline := time.Now().Add(maxOpenWait * w.timeUnit)
	for {
		answer, err := w.breaker.Execute(request)
		if !errors.Is(err, gobreaker.ErrOpenState) && !errors.Is(err, gobreaker.ErrTooManyRequests) {
			w.counters.count(operation, err)
			return answer, err
		}
		if time.Now().After(deadline) {
			return nil, errCircuitOpen
		}
		if err := w.pause(ctx); err != nil {
			return nil, err
		}
	}
}

// fetch is how the payment stands. An answer in which something is under way, or that this program does not understand, is
// none.
func (w *Worker) fetch(ctx context.Context, impUID string) (orders.Payment, error) {
	answer, err := w.call(ctx, "get", func() (any, error) { return w.Provider.Get(ctx, impUID) })
	if errors.Is(err, portone.ErrNotFound) {
		return orders.Payment{State: orders.PaymentMissing}, nil
	}
	if err != nil {
		return orders.Payment{}, err
	}
	return toDomain(answer.(portone.Payment))
}

var states = map[portone.Status]string{
	portone.Ready: orders.PaymentWaiting, portone.Paid: orders.PaymentPaid, portone.Failed: orders.PaymentFailed,
	portone.Cancelled: orders.PaymentCancelled,
}

// maxText is for a merchant_uid and a currency, in bytes; both are written into the log.
const maxText = 128

// toDomain is a provider's payment as the rules know payments. What they would not listen to is not told to them.
func toDomain(from portone.Payment) (orders.Payment, error) {
	p := orders.Payment{
		State: states[from.Status], MerchantUID: from.MerchantUID, Amount: from.Amount, Cancelled: from.Cancelled,
		Currency: from.Currency, Test: from.Test,
	}
	switch {
	case p.State == "":
		return p, fmt.Errorf("%w: the payment's status is new to this onsale", portone.ErrUnknown)
	case from.Pending > 0:
		return p, fmt.Errorf("%w: %d are on their way back", portone.ErrUnknown, from.Pending)
	case p.State == orders.PaymentPaid && p.Amount == 0, len(p.MerchantUID)+len(p.Currency) > maxText,
		p.State != orders.PaymentPaid && p.State != orders.PaymentCancelled && p.Cancelled > 0:
		return p, fmt.Errorf("%w: no payment can be so: %.300s", portone.ErrMalformed, fmt.Sprintf("%+v", p))
	case p.State == orders.PaymentCancelled && p.Cancelled < p.Amount:
		return p, fmt.Errorf("%w: the payment is cancelled, and %d of %d were given back", portone.ErrMalformed, p.Cancelled, p.Amount)
	}
	return p, nil
}
