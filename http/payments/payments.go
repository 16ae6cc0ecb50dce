// Package payments verifies the payments of orders at a payment provider, refunds what the rules want back, and finds payments whose
// order was never sent. It decides nothing: events of the log and the provider's webhooks wake a Worker, and what the provider answers it appends as a
// command, which the rules accept or ignore.
//
// Everything here may happen twice, on one node or on two, after a crash or because a response was lost. Looking up a
// payment changes nothing; a refund names the balance that the provider has just shown, so a second one finds none; and a
// result that was fetched before the order last changed is ignored. When the provider does not answer, the Worker gives up
// after some attempts, and the rules wake it again. See DESIGN.md.
package payments

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/payments/portone"
	"onsale/projections"
)

// Provider is a payment provider. Its errors are a *portone.Refusal, which is a definite no, or portone.ErrUnknown; those of
// ParseWebhook are portone.ErrWebhook and portone.ErrSignature.
type Provider interface {
	Get(ctx context.Context, ref string) (portone.Payment, error)
	Find(ctx context.Context, merchantUID string) ([]portone.Payment, error) // the oldest first; none is no error
	Cancel(ctx context.Context, c portone.Cancel) (pending bool, err error)
	Prepare(ctx context.Context, merchantUID string, amount int64) error
	ParseWebhook(header http.Header, body []byte) (portone.Webhook, error) // Ref "": it is about no payment
}

// Config is for one Worker.
type Config struct {
	Provider  Provider
	Append    func(ctx context.Context, c domain.Command) (sequence uint64, err error)
	Projector *projections.Projector
	Logger    *slog.Logger

	Concurrency int // requests to the provider at the same time; 0 is 64

	maxWaiting int           // tests shorten the queue
	timeUnit   time.Duration // a second; tests shorten it
}

// Worker verifies and refunds payments on one node. It is safe for concurrent use, and a prometheus.Collector.
type Worker struct {
	Config
	breaker       *gobreaker.CircuitBreaker[any]
	queue         *fairQueue
	outage        outage
	notifications chan notification
	metrics       metrics

	mu            sync.Mutex               // guards what follows
	inFlight      map[string]chan struct{} // orders being worked on, until the channel is closed
	pending       map[string]string        // the user of each key of a notification that waits for its turn or its next attempt
	pendingOfUser map[string]int
	unsent        int // pending notifications of payments without an order
}

// New sends nothing yet. The caller feeds the Worker: Handle and HandleBackground with every event of Kinds, each by a consumer of its
// own, Notify with webhooks, and Run.
func New(c Config) *Worker {
	c.timeUnit = cmp.Or(c.timeUnit, time.Second)
	w := &Worker{
		Config: c, queue: newFairQueue(cmp.Or(c.Concurrency, 64), cmp.Or(c.maxWaiting, maxWaiting)),
		notifications: make(chan notification, maxPending+maxUnsent),
		inFlight:      map[string]chan struct{}{}, pending: map[string]string{}, pendingOfUser: map[string]int{},
	}
	w.breaker, w.metrics = w.newBreaker(), newMetrics(w)
	return w
}

// Names of the durable consumers of Kinds that all nodes share. What nobody waits for has its own: when a performance is called off
// thousands of refunds are due at once, and wait in the log without a new order behind them.
const (
	ConsumerName           = "payments"
	BackgroundConsumerName = "payments-background"
)

// Kinds are the kinds of entities whose events Handle must get.
var Kinds = []string{"orders", "products"}

// WaitReady blocks while the circuit breaker is open, and permanently on a halted node: other nodes take its events.
func (w *Worker) WaitReady(ctx context.Context) {
	for w.breaker.State() == gobreaker.StateOpen || w.Projector.Status().Halted != "" {
		if w.pause(ctx) != nil {
			return
		}
	}
}

// Handle verifies, prepares or refunds what an event asks for and a user waits for, when its user's turn has come. It may be called
// again with the same event; retryAfter above 0 asks for that, with the next attempt.
func (w *Worker) Handle(ctx context.Context, e domain.Event, attempt uint64) (retryAfter time.Duration) {
	var err error
	switch body := e.Body.(type) {
	case orders.Placed, orders.RejectedPaid, orders.RefundDue:
		err = w.reconcileAfter(ctx, e, triggerEvent, false)
	case orders.Recheck:
		err = w.reconcileAfter(ctx, e, triggerRecheck, false)
	case orders.Prepared:
		err = w.prepare(ctx, e.User, body)
	}
	return w.retryDelay(ctx, e.Entity, err, attempt)
}

// HandleBackground does what nobody waits for on a page: it refunds and rechecks orders that have had their result, and finds payments
// whose order has not come. It is called as Handle is, with the same events.
func (w *Worker) HandleBackground(ctx context.Context, e domain.Event, attempt uint64) (retryAfter time.Duration) {
	var err error
	what := e.Entity
	switch body := e.Body.(type) {
	case orders.RefundDue:
		err = w.reconcileAfter(ctx, e, triggerEvent, true)
	case orders.Recheck:
		err = w.reconcileAfter(ctx, e, triggerRecheck, true)
	case orders.PreparationDue:
		what, err = body.MerchantUID, w.findPrepared(ctx, e.Number, body.MerchantUID)
	}
	return w.retryDelay(ctx, what, err, attempt)
}

// prepare binds the amount to the merchant_uid at the provider, so that its payment window refuses any other. The payment is
// verified all the same, so a refusal does no harm.
func (w *Worker) prepare(ctx context.Context, user string, p orders.Prepared) error {
	if p.Amount == 0 { // no payment window opens for it
		return nil
	}
	release, err := w.queue.acquire(ctx, user, classFirst)
	if err != nil {
		return err
	}
	defer release()
	_, err = w.call(ctx, "prepare", func() (any, error) { return nil, w.Provider.Prepare(ctx, p.MerchantUID, p.Amount) })
	if isRefusal(err) {
		w.Logger.Warn("provider refused to prepare a payment", "merchant_uid", p.MerchantUID, "error", err)
		return nil
	}
	return err
}
