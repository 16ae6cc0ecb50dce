// Workers for events, outside of the projector: a durable consumer on EVENTS that all nodes share. Each event is delivered to one
// node at a time, and again until it is acknowledged, also after the node that had it has stopped.

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

// ConsumerConfig configures ConsumeEvents.
type ConsumerConfig struct {
	Name        string   // of the consumer, the same on all nodes that share it
	Kinds       []string // "orders", "products"
	Concurrency int      // events that this node handles at the same time

	// WaitReady blocks until events may be fetched, or ctx ends.
	WaitReady func(ctx context.Context)
	// Handle handles an event, which this node may not have decided yet, and which may be delivered twice. It returns the delay
	// before the next delivery, to any node, or 0 if the event is done. attempt counts from 1.
	Handle func(ctx context.Context, e domain.Event, attempt uint64) (retryAfter time.Duration)

	ackWait time.Duration // tests only: shorter than consumerAckWait
}

const (
	consumerAckWait = 10 * time.Second // until the events of a silent node, or those in flight to a stopping one, go to another node
	maxAckPending   = 16384            // unacknowledged events of all nodes together, delayed ones included
	fetchTimeout    = 5 * time.Second
)

// ConsumeEvents runs until ctx ends, and returns after all running handlers. It retries errors of the log; an error that it
// returns is permanent.
func (l *Log) ConsumeEvents(ctx context.Context, c ConsumerConfig) error {
	if l.config.ReadOnly {
		return ErrReadOnly
	}
	c.ackWait = cmp.Or(c.ackWait, consumerAckWait)
	pool := workerPool{log: l, ConsumerConfig: c, slots: make(chan struct{}, c.Concurrency)}
	defer pool.running.Wait()
	for ctx.Err() == nil {
		err := pool.consume(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case l.ctx.Err() != nil:
			return domain.ErrClosed
		case errors.Is(err, domain.ErrUnknownType):
			return err
		}
		l.logger.Warn("consumer fetch failed, retrying", "consumer", c.Name, "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	return nil
}

// workerPool runs the handlers of one ConsumeEvents.
type workerPool struct {
	ConsumerConfig
	log     *Log
	slots   chan struct{} // one entry for each busy worker
	running sync.WaitGroup
}

// consume fetches and handles events until an error.
func (p *workerPool) consume(ctx context.Context) error {
	var subjects []string
	for _, kind := range p.Kinds {
		subjects = append(subjects, p.log.prefix.subject("evt."+kind+".>"))
	}
	consumer, err := p.log.js.CreateOrUpdateConsumer(ctx, p.log.prefix.stream(eventsStream), jetstream.ConsumerConfig{
		Durable: p.Name, FilterSubjects: subjects, DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: p.ackWait, MaxDeliver: -1, MaxAckPending: maxAckPending,
	})
	for err == nil && ctx.Err() == nil {
		p.WaitReady(ctx)
		select {
		case p.slots <- struct{}{}: // wait for a free worker
			<-p.slots
			err = p.fetch(ctx, consumer)
		case <-ctx.Done():
		}
	}
	return err
}

// fetch requests as many events as there are free workers, and starts each as it arrives.
func (p *workerPool) fetch(ctx context.Context, consumer jetstream.Consumer) error {
	fetchCtx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	defer context.AfterFunc(p.log.connContext(), cancel)() // a broken connection has lost the request
	batch, err := consumer.Fetch(cap(p.slots)-len(p.slots), jetstream.FetchContext(fetchCtx))
	if err != nil {
		return err
	}
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		e, err := DecodeEvent(domain.Record{Number: meta.Sequence.Stream, Subject: p.log.prefix.trim(m.Subject()), Payload: m.Data()})
		if err != nil {
			return err
		}
		p.slots <- struct{}{}
		p.running.Go(func() {
			p.handle(ctx, m, e, meta.NumDelivered)
			<-p.slots
		})
	}
	if err := batch.Error(); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
		return err
	}
	return nil
}

// handle calls Handle and reports progress to the server meanwhile. If a report or an ack is lost, the event is redelivered.
func (p *workerPool) handle(ctx context.Context, m jetstream.Msg, e domain.Event, attempt uint64) {
	done := make(chan struct{})
	defer close(done)
	go func() {
		ticker := time.NewTicker(p.ackWait / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_ = m.InProgress()
			case <-done:
				return
			}
		}
	}()
	retryAfter := p.Handle(ctx, e, attempt)
	switch {
	case ctx.Err() != nil:
		_ = m.Nak() // redeliver at once, to another node
	case retryAfter > 0:
		_ = m.NakWithDelay(retryAfter)
	default:
		_ = m.Ack()
	}
}
