// Outages: what operators learn when the provider cannot be used. A wrong secret or address looks like an outage to the
// circuit breaker, and would otherwise be known only from orders without results.

package payments

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"onsale/http/payments/portone"
)

// outage is logged once, and again only after the provider has answered.
type outage struct {
	mu  sync.Mutex // guards what follows
	err error      // of the last request, once it is logged; nil: none
}

const probeInterval = 30 // seconds between two probes during an outage

// probedPayment is a reference that no payment has.
const probedPayment = "onsale-probe"

// Watch asks the provider for a payment that does not exist, at the start and during an outage, so that wrong keys are known
// before the first order, and an end of the outage without one. It returns when ctx ends.
func (w *Worker) Watch(ctx context.Context) {
	ticker := time.NewTicker(probeInterval * w.timeUnit)
	defer ticker.Stop()
	for probe := true; ; probe = w.problem() != nil {
		if probe {
			if _, _, err := w.fetch(ctx, probedPayment); err != nil && ctx.Err() == nil && !errors.Is(err, errCircuitOpen) {
				w.report(err)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// noteOutcome reports refused keys and a wrong address at once, other errors when the circuit opens.
func (w *Worker) noteOutcome(err error) {
	switch {
	case errors.Is(err, context.Canceled): // by this node
	case isAnswer(err):
		w.outage.mu.Lock()
		defer w.outage.mu.Unlock()
		if w.outage.err != nil {
			w.outage.err = nil
			w.Logger.Info("payment provider answers again")
		}
	case errors.Is(err, portone.ErrAuth), errors.Is(err, portone.ErrNotPortOne), w.breaker.State() == gobreaker.StateOpen:
		w.report(err)
	}
}

func (w *Worker) report(err error) {
	w.outage.mu.Lock()
	defer w.outage.mu.Unlock()
	if w.outage.err == nil {
		w.Logger.Error("payment provider cannot be used, orders wait for their results", "error", err, "hint", hint(err))
	}
	w.outage.err = err
}

func (w *Worker) problem() error {
	w.outage.mu.Lock()
	defer w.outage.mu.Unlock()
	return w.outage.err
}

// hint is what an operator can do. It has nothing of the provider's words, because /readyz shows it to everybody.
func hint(err error) string {
	switch {
	case errors.Is(err, portone.ErrAuth):
		return "the payment provider refuses the keys: check payments.key, payments.secret and payments.api"
	case errors.Is(err, portone.ErrNotPortOne):
		return "payments.url is not answered by the payment provider: check it and payments.api, and proxies on the way"
	case errors.Is(err, portone.ErrTooMany):
		return "the payment provider refuses so many requests: lower payments.concurrency, or have its limit raised"
	}
	return "the payment provider does not answer: check payments.url, and what is between it and this node"
}

// ReadyNotes are what /readyz says about the provider. An outage is no reason to be unready: orders are accepted and wait.
func (w *Worker) ReadyNotes() []string {
	if err := w.problem(); err != nil {
		return []string{hint(err) + "; orders wait for their results"}
	}
	return nil
}
