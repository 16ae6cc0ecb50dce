// Work that events ask for, outside of any decision: a durable consumer on EVENTS that all nodes share. Each event goes to
// one node at a time, and again until somebody says that it is done, also after the node that had it is gone.
package streams

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// Work is what is done about the events of some kinds.
type Work struct {
	Name   string   // of the consumer; all nodes that share it say the same
	Kinds  []string // "orders", "products"
	AtOnce int      // events that this node has at the same time

	// Gate blocks while nothing should be begun. It ends with ctx.
	Gate func(ctx context.Context)
	// Do does it. The event may be one that this node has not decided yet, and may come twice. again is how long to wait
	// before it is given once more, to any node; 0 says that it is done. given counts from 1.
	Do func(ctx context.Context, e domain.Event, given uint64) (again time.Duration)

	taken time.Duration // tests only: shorter than workTaken
}

const (
	workTaken   = 10 * time.Second // after a node has gone silent, others have its events; and what was on its way to one that ends
	workPending = 4096             // events that all nodes together have, or have put off
	workFetch   = 5 * time.Second  // a request for more waits so long
)

// Work goes on until ctx ends, and returns when everything that was begun has ended. Errors of the log are waited out; the
// one it returns will not go away.
func (l *Log) Work(ctx context.Context, w Work) error {
	if l.config.ReadOnly {
		return ErrReadOnly
	}
	w.taken = cmp.Or(w.taken, workTaken)
	hands := hands{log: l, Work: w, free: make(chan struct{}, w.AtOnce)}
	defer hands.busy.Wait()
	for ctx.Err() == nil {
		err := hands.work(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case l.ctx.Err() != nil:
			return ErrClosed
		case errors.Is(err, domain.ErrUnknownType):
			return err
		}
		l.log.Warn("no work can be had; trying again", "consumer", w.Name, "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	return nil
}

// hands are what a node works with.
type hands struct {
	Work
	log  *Log
	free chan struct{} // holds one for each busy hand
	busy sync.WaitGroup
}

// work goes on until something is wrong.
func (h *hands) work(ctx context.Context) error {
	var subjects []string
	for _, kind := range h.Kinds {
		subjects = append(subjects, "evt."+kind+".>")
	}
	consumer, err := h.log.js.CreateOrUpdateConsumer(ctx, eventsStream, jetstream.ConsumerConfig{
		Durable: h.Name, FilterSubjects: subjects, DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: h.taken, MaxDeliver: -1, MaxAckPending: workPending,
	})
	for err == nil && ctx.Err() == nil {
		h.Gate(ctx)
		select {
		case h.free <- struct{}{}: // one hand at least
			<-h.free
			err = h.fetch(ctx, consumer)
		case <-ctx.Done():
		}
	}
	return err
}

// fetch asks for as many events as there are free hands, and begins with each as it comes.
func (h *hands) fetch(ctx context.Context, consumer jetstream.Consumer) error {
	within, stop := context.WithTimeout(ctx, workFetch)
	defer stop()
	defer context.AfterFunc(h.log.linked(), stop)() // a broken connection has lost the request
	batch, err := consumer.Fetch(cap(h.free)-len(h.free), jetstream.FetchContext(within))
	if err != nil {
		return err
	}
	for m := range batch.Messages() {
		at, err := m.Metadata()
		if err != nil {
			return err
		}
		e, err := DecodeEvent(domain.Record{Number: at.Sequence.Stream, Subject: m.Subject(), Payload: m.Data()})
		if err != nil {
			return err
		}
		h.free <- struct{}{}
		h.busy.Go(func() {
			h.do(ctx, m, e, at.NumDelivered)
			<-h.free
		})
	}
	if err := batch.Error(); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
		return err
	}
	return nil
}

// do has one event done, and says all the while that it is under way. What is said in vain is said by the silence: the
// event comes again.
func (h *hands) do(ctx context.Context, m jetstream.Msg, e domain.Event, given uint64) {
	done := make(chan struct{})
	defer close(done)
	go func() {
		sign := time.NewTicker(h.taken / 3)
		defer sign.Stop()
		for {
			select {
			case <-sign.C:
				_ = m.InProgress()
			case <-done:
				return
			}
		}
	}()
	again := h.Do(ctx, e, given)
	switch {
	case ctx.Err() != nil:
		_ = m.Nak() // at once, to another node
	case again > 0:
		_ = m.NakWithDelay(again)
	default:
		_ = m.Ack()
	}
}
