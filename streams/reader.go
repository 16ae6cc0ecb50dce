// The reader behind ConsumeCommands, Events, EventHashes and CommandBatches: a pull consumer that starts at a number and is
// recreated at the next missing number whenever anything goes wrong: a reconnect, a lost message, a missed heartbeat, a deleted
// consumer. So every message is delivered once and in order.
//
// It replaces nats.go's ordered consumer for two reasons. That one takes no context while it recreates its consumer, so
// stopping it waits for its back-off, up to ten seconds each time. And the durable consumer needs the same: messages in flight
// on a broken connection would be redelivered only after AckWait, behind later ones.

package streams

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

var (
	// ErrGap: the log has later messages but not this one. No reader continues past a gap.
	ErrGap = fmt.Errorf("%w: a message is missing", domain.ErrUnreadable)

	// ErrPastEnd: the first number to read is more than one past the end. The log lost its tail, or the number is from another
	// log.
	ErrPastEnd = fmt.Errorf("%w: it ends before the first message to read", domain.ErrUnreadable)
)

// reader is used by one goroutine.
type reader struct {
	log         *Log
	stream      string
	next        uint64 // the next number to read; with a filter, a lower bound
	filter      string // "" reads all, and then no number may be missing
	headersOnly bool
	durable     string // name of the durable consumer; "" is an ephemeral one, deleted with the reader
	onReset     func() // called before a consumer is created or reset; may be nil
	doubt       doubt
}

var (
	errStopped        = errors.New("the handler stopped the reader")
	errMissedDelivery = errors.New("messages were lost in delivery")
	errStalled        = errors.New("a message that the log has was not delivered")
)

// read calls handle for each message. It returns nil when handle returns false or ctx ends, and an error that a new consumer
// cannot fix.
func (r *reader) read(ctx context.Context, handle func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool) error {
	defer r.trust()
	for failures, stalls := 0, 0; ; {
		before, began := r.next, time.Now()
		err := r.readOnce(ctx, handle)
		if r.next > before || time.Since(began) > 10*time.Second {
			failures = 0
		}
		if r.next > before {
			stalls = 0
		}
		switch {
		case errors.Is(err, errStopped) || ctx.Err() != nil:
			return nil
		case r.log.ctx.Err() != nil:
			return domain.ErrClosed
		case errors.Is(err, domain.ErrUnreadable):
			if r.doubts(err) {
				return err
			}
		case isPermanent(err):
			if r.doubts(err) {
				return fmt.Errorf("%w: %w", domain.ErrUnreadable, err)
			}
		case errors.Is(err, errStalled):
			if stalls++; stalls < maxStalls {
				break
			}
			err = fmt.Errorf("%w: %s has message %d but does not deliver it", ErrGap, r.stream, r.next)
			if r.doubts(err) {
				return err
			}
		}
		if failures++; failures == 1 && !r.doubt.is() {
			continue // after a reconnect or a lost message, retry at once
		}
		wait := min(25*time.Millisecond<<min(failures, 10), 2*time.Second)
		r.log.logger.Warn("reader failed, retrying", "stream", r.stream, "from", r.next, "error", err, "after", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		case <-r.log.ctx.Done():
		}
	}
}

// isPermanent reports whether the server will answer a retry with the same error: no such stream, too many consumers.
func isPermanent(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.Code < 500 && !errors.Is(err, jetstream.ErrConsumerNotFound)
}

// readOnce reads from one consumer until it fails.
func (r *reader) readOnce(ctx context.Context, handle func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.log.connContext(), func() { cancel(nil) })()

	state, err := r.log.streamState(ctx, r.stream)
	if err != nil {
		return err
	}
	if r.next > state.Last+1 { // the server would wait for this number, and silently skip the ones before it
		return fmt.Errorf("%w: %s ends at %d, first to read is %d", ErrPastEnd, r.stream, state.Last, r.next)
	}
	if r.next == state.Last+1 { // nothing is missing
		r.trust()
	}
	if r.onReset != nil {
		r.onReset()
	}
	consumer, err := r.consumer(ctx)
	if err != nil {
		return err
	}
	if r.durable == "" {
		defer r.remove(ctx, consumer.CachedInfo().Name)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(500),
		jetstream.PullExpiry(30*time.Second), jetstream.PullHeartbeat(3*time.Second))
	if err != nil {
		return err
	}
	defer messages.Stop()
	var awaiting atomic.Uint64 // the number that Next is waiting for; 0 if none
	if r.filter == "" {
		go r.watchStall(ctx, cancel, &awaiting)
	}

	for delivered := uint64(1); ; delivered++ {
		awaiting.Store(r.next)
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
		awaiting.Store(0)
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		number := meta.Sequence.Stream
		switch {
		case number < r.next:
			continue // in flight when the durable consumer was reset
		case r.filter != "":
			if meta.Sequence.Consumer != delivered {
				return errMissedDelivery
			}
		case number > r.next && r.durable != "":
			return errStalled // the missing ones may have gone to the consumer's previous pull: see watchStall
		case number > r.next && delivered == 1:
			return fmt.Errorf("%w: %s has %d instead of %d", ErrGap, r.stream, number, r.next)
		case number > r.next:
			return errMissedDelivery // or a gap: then the next consumer begins with it
		}
		r.trust()
		if !handle(m, meta) {
			return errStopped
		}
		r.next = number + 1
	}
}

// maxStalls is how many consumers in a row must fail to deliver a message that the log has. One stall may have another cause
// (see watchStall); this many, over some ten seconds, mean that nats-server cannot read the message any more: it skips it
// silently and reports the log as healthy.
const maxStalls = 5

// stallTimeout is how long a message that the log has may be overdue before its consumer is recreated.
const stallTimeout = 2 * time.Second

// watchStall cancels a read whose message is not delivered although the log has it. A previous pull of the durable consumer may
// still be open when the consumer is reset: the server then sends the message to that pull, which nobody reads, and would
// redeliver it only after AckWait.
func (r *reader) watchStall(ctx context.Context, cancel context.CancelCauseFunc, awaiting *atomic.Uint64) {
	ticker := time.NewTicker(stallTimeout / 2)
	defer ticker.Stop()
	for previous := uint64(0); ; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		current := awaiting.Load()
		if current != 0 && current == previous {
			if state, err := r.log.streamState(ctx, r.stream); err == nil && state.Last >= current && awaiting.Load() == current {
				cancel(errStalled)
				return
			}
		}
		previous = current
	}
}

// consumer creates the consumer, always from a number, never with policy "new", which loses messages before its first delivery.
func (r *reader) consumer(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // see info
	defer cancel()
	if r.durable != "" {
		return r.log.durableConsumer(ctx, r.durable, r.next)
	}
	// A cancelled reader still waits up to a second for the answer: without it, the consumer could not be deleted.
	createCtx, cancelCreate := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancelCreate()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, cancelCreate) })()
	filter := r.filter
	if filter != "" {
		filter = r.log.prefix.subject(filter)
	}
	return r.log.js.CreateConsumer(createCtx, r.log.prefix.stream(r.stream), jetstream.ConsumerConfig{
		Name:              "reader-" + rand.Text(),
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       r.next,
		FilterSubject:     filter,
		HeadersOnly:       r.headersOnly,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: 30 * time.Second, // if the process dies before remove
	})
}

// remove deletes the consumer at once: left to InactiveThreshold, a burst of readers would exceed the stream's MaxConsumers.
func (r *reader) remove(ctx context.Context, name string) {
	if !r.log.nc.IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := r.log.js.DeleteConsumer(ctx, r.log.prefix.stream(r.stream), name); err != nil && r.log.ctx.Err() == nil {
		r.log.logger.Debug("could not delete a reader's consumer", "error", err)
	}
}
