// Calls to the provider, through a circuit breaker, and its answers in the terms of the rules.

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

const (
	breakerThreshold = 5  // unknown outcomes in a row open the circuit
	breakerTimeout   = 5  // seconds until an open circuit is half-open and lets one request through
	slowFor          = 10 // seconds for which refunds and rechecks are sent one at a time after the provider has refused so many requests
	maxOpenWait      = 30 // seconds that a call waits for an open circuit; then another node may try, which may reach the provider
)

// errCircuitOpen: the breaker is open, no request was sent.
var errCircuitOpen = fmt.Errorf("%w: circuit breaker open", portone.ErrUnknown)

func (w *Worker) newBreaker() *gobreaker.CircuitBreaker[any] {
	return gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Name: "payment provider", Timeout: breakerTimeout * w.timeUnit,
		ReadyToTrip:  func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= breakerThreshold },
		IsSuccessful: isAnswer,
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				w.queue.flush(errCircuitOpen) // another node may reach the provider
			}
			w.Logger.Debug("payment circuit breaker state changed", "from", from, "to", to)
		},
	})
}

// isAnswer: the provider is reachable, or this node did not wait. A malformed answer is about one payment, and no reason to
// stop asking about the others.
func isAnswer(err error) bool {
	return !errors.Is(err, portone.ErrUnknown) || errors.Is(err, portone.ErrMalformed) || errors.Is(err, context.Canceled)
}

func isRefusal(err error) bool {
	_, refused := errors.AsType[*portone.Refusal](err)
	return refused
}

// call sends a request and counts its outcome. While the circuit is open it waits, up to maxOpenWait.
func (w *Worker) call(ctx context.Context, operation string, request func() (any, error)) (any, error) {
	deadline := time.Now().Add(maxOpenWait * w.timeUnit)
	for {
		answer, err := w.breaker.Execute(request)
		if !errors.Is(err, gobreaker.ErrOpenState) && !errors.Is(err, gobreaker.ErrTooManyRequests) {
			w.metrics.countRequest(operation, err)
			if errors.Is(err, portone.ErrTooMany) && w.queue.slowDown(slowFor*w.timeUnit) {
				w.Logger.Warn("payment provider refuses so many requests, refunds and rechecks are sent one at a time", "for", slowFor*w.timeUnit)
			}
			w.noteOutcome(err)
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

// pause is the interval at which an open circuit is checked. Its error is ctx's.
func (w *Worker) pause(ctx context.Context) error {
	select {
	case <-time.After(breakerTimeout * w.timeUnit / 20):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch looks a payment up, and how many refunds of it the provider shows. A payment with a refund in progress, or in a state that
// this version does not know, is an ErrUnknown.
func (w *Worker) fetch(ctx context.Context, impUID string) (p orders.Payment, refunds int, err error) {
	answer, err := w.call(ctx, "get", func() (any, error) { return w.Provider.Get(ctx, impUID) })
	if errors.Is(err, portone.ErrNotFound) {
		return orders.Payment{State: orders.PaymentMissing}, 0, nil
	}
	if err != nil {
		return orders.Payment{}, 0, err
	}
	found := answer.(portone.Payment)
	p, err = toDomain(found)
	return p, found.Refunds, err
}

// find returns all payments under a merchant_uid.
func (w *Worker) find(ctx context.Context, merchantUID string) ([]portone.Payment, error) {
	answer, err := w.call(ctx, "find", func() (any, error) { return w.Provider.Find(ctx, merchantUID) })
	if err != nil {
		return nil, err
	}
	return answer.([]portone.Payment), nil
}

var states = map[portone.Status]string{
	portone.Ready: orders.PaymentWaiting, portone.Paid: orders.PaymentPaid, portone.Failed: orders.PaymentFailed,
	portone.Cancelled: orders.PaymentCancelled,
}

// maxText is for merchant_uid and currency together, in bytes; both are written into the log.
const maxText = 128

// toDomain rejects what the rules would reject too, so that it is not written into the log.
func toDomain(from portone.Payment) (orders.Payment, error) {
	p := orders.Payment{
		State: states[from.Status], MerchantUID: from.MerchantUID, Amount: from.Amount, Cancelled: from.Cancelled,
		Currency: from.Currency, Test: from.Test,
	}
	switch {
	case p.State == "":
		return p, fmt.Errorf("%w: payment status unknown to this version", portone.ErrUnknown)
	case from.Pending > 0:
		return p, fmt.Errorf("%w: refund of %d in progress", portone.ErrUnknown, from.Pending)
	case p.State == orders.PaymentPaid && p.Amount == 0, len(p.MerchantUID)+len(p.Currency) > maxText,
		p.State != orders.PaymentPaid && p.State != orders.PaymentCancelled && p.Cancelled > 0:
		return p, fmt.Errorf("%w: inconsistent payment: %.300s", portone.ErrMalformed, fmt.Sprintf("%+v", p))
	case p.State == orders.PaymentCancelled && p.Cancelled < p.Amount:
		return p, fmt.Errorf("%w: payment cancelled, but only %d of %d refunded", portone.ErrMalformed, p.Cancelled, p.Amount)
	}
	return p, nil
}
