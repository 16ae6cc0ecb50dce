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

// ConsumerConfig is what is done about the events of some kinds.
type ConsumerConfig struct {
	Name        string   // of the consumer; all nodes that share it say the same
	Kinds       []string // "orders", "products"
	Concurrency int      // events that this node has at the same time

	// WaitReady blocks while nothing should be begun. It ends with ctx.
	WaitReady func(ctx context.Context)
	// Handle does it. The event may be one that this node has not decided yet, and may come twice. again is how long to wait
	// before it is given once more, to any node; 0 says that it is done. given counts from 1.
	Handle func(ctx context.Context, e domain.Event, given uint64) (again time.Duration)

	ackWait time.Duration // tests only: shorter than consumerAckWait
}

const (
	consumerAckWait = 10 * time.Second // after a node has gone silent, others have its events; and what was on its way to one that ends
	maxAckPending   = 4096             // events that all nodes together have, or have put off
	fetchTimeout    = 5 * time.Second  // a request for more waits so long
)

// ConsumeEvents goes on until ctx ends, and returns when everything that was begun has ended. Errors of the log are waited out; the
// one it returns will not go away.
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
			return ErrClosed
		case errors.Is(err, domain.ErrUnknownType):
			return err
		}
		l.logger.Warn("no work can be had; trying again", "consumer", c.Name, "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	return nil
}

// workerPool are what a node works with.
type workerPool struct {
	ConsumerConfig
	log     *Log
	slots   chan struct{} // holds one for each busy hand
	running sync.WaitGroup
}

// consume goes on until something is wrong.
func (p *workerPool) consume(ctx context.Context) error {
	var subjects []string
	for _, kind := range p.Kinds {
		subjects = append(subjects, "evt."+kind+".>")
	}
	consumer, err := p.log.js.CreateOrUpdateConsumer(ctx, eventsStream, jetstream.ConsumerConfig{
		Durable: p.Name, FilterSubjects: subjects, DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: p.ackWait, MaxDeliver: -1, MaxAckPending: maxAckPending,
	})
	for err == nil && ctx.Err() == nil {
		p.WaitReady(ctx)
		select {
		case p.slots <- struct{}{}: // one hand at least
			<-p.slots
			err = p.fetch(ctx, consumer)
		case <-ctx.Done():
		}
	}
	return err
}

// fetch asks for as many events as there are free hands, and begins with each as it comes.
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
		e, err := DecodeEvent(domain.Record{Number: meta.Sequence.Stream, Subject: m.Subject(), Payload: m.Data()})
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

// handle has one event done, and says all the while that it is under way. What is said in vain is said by the silence: the
// event comes again.
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
		_ = m.Nak() // at once, to another node
	case retryAfter > 0:
		_ = m.NakWithDelay(retryAfter)
	default:
		_ = m.Ack()
	}
}
