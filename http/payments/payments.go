// Package payments asks a payment provider what the rules need to know, and has money given back where they say so. It
// decides nothing: events wake it, and what it was told it appends as a command, which the rules hear or not.
//
// Everything here may happen twice, on one node or on two, after a crash or because an answer was lost. Asking changes
// nothing; money goes back only as the balance that the provider was just heard to name, so a second time finds none; and a
// fact that was asked for before the order last changed is not heard. Whoever cannot get an answer waits, and the rules
// wake them again.
package payments

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"onsale/domain"
	"onsale/http/payments/portone"
	"onsale/projections"
)

// Provider is a payment provider. What is not a yes is a *portone.Refusal, a definite no, or portone.ErrUnknown.
type Provider interface {
	Get(ctx context.Context, ref string) (portone.Payment, error)
	Cancel(ctx context.Context, c portone.Cancel) (pending bool, err error)
	Prepare(ctx context.Context, merchantUID string, amount int64) error
}

// Config is what a Worker works with.
type Config struct {
	Provider  Provider
	Append    func(ctx context.Context, c domain.Command) (sequence uint64, err error)
	Projector *projections.Projector
	Log       *slog.Logger

	timeUnit time.Duration // tests only: a shorter one
}

// Worker is the one of this node. All methods may be called from any goroutine.
type Worker struct {
	Config
	breaker       *gobreaker.CircuitBreaker[any]
	notifications chan notification
	counters      counters

	mu       sync.Mutex               // guards what follows
	inFlight map[string]chan struct{} // orders that are being worked on, until the channel is closed
	pending  map[string]bool          // orders of which a hint waits, for a hand or for its next try
}

const (
	breakerThreshold = 5 // outcomes in a row that nobody knows: the provider is away
	breakerTimeout   = 5 // seconds, and is tried again then, with one request
)

// New asks nothing yet.
func New(c Config) *Worker {
	c.timeUnit = cmp.Or(c.timeUnit, time.Second)
	w := &Worker{Config: c, notifications: make(chan notification, maxPending), inFlight: map[string]chan struct{}{}, pending: map[string]bool{}}
	w.breaker = gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Name: "payment provider", Timeout: breakerTimeout * c.timeUnit,
		ReadyToTrip:  func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= breakerThreshold },
		IsSuccessful: isAnswer,
		OnStateChange: func(_ string, _, to gobreaker.State) {
			w.Log.Warn("the way to the payment provider", "is", to)
		},
	})
	return w
}

// isAnswer says that the provider is there: it answered, or this node did not wait. An answer that makes no sense is about
// one payment, and no reason to leave all others alone.
func isAnswer(err error) bool {
	return !errors.Is(err, portone.ErrUnknown) || errors.Is(err, portone.ErrMalformed) || errors.Is(err, context.Canceled)
}

// WaitReady blocks while the provider is away, and for good where this node decides nothing any more: others do its work.
func (w *Worker) WaitReady(ctx context.Context) {
	for w.breaker.State() == gobreaker.StateOpen || w.Projector.Status().Halted != "" {
		if w.pause(ctx) != nil {
			return
		}
	}
}

// pause is as long as it takes to look again whether the provider is still away. Its error is ctx's.
func (w *Worker) pause(ctx context.Context) error {
	select {
	case <-time.After(breakerTimeout * w.timeUnit / 20):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
