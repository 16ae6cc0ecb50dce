// The reader below Commands, Records, Hashes and Messages: a pull consumer that starts at a number, and is made anew from
// the next missing number whenever anything is wrong with it: a reconnect, a lost message, a missed heartbeat, a consumer
// that somebody deleted. So messages come in order, each once.
//
// It is nats.go's ordered consumer in our hands, for two reasons. That one takes no context while it makes its consumer anew:
// to stop it then waits out its back-off, up to ten seconds each. And the durable needs the same anyway: what was under way
// on a broken connection would come again only after AckWait, behind later messages.

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
)

var (
	// ErrGap is a number that the log does not have, with later ones after it. No reader goes past it.
	ErrGap = errors.New("a message is missing in the log")

	// ErrPastEnd is a reader that would start after the end of the log, and not just behind it: the log lost its tail, or the
	// reader knows another log.
	ErrPastEnd = errors.New("the log ends before the place to read from")
)

// reader is used by one goroutine.
type reader struct {
	log         *Log
	stream      string
	next        uint64 // the number to read next; with a filter the least that it may have
	filter      string // "" takes all, and then every number must come
	headersOnly bool
	durable     string // "" is a consumer of its own, which goes with the reader
	onReset     func() // called before each consumer; may be nil
}

var (
	errStopped        = errors.New("the reader's owner has enough")
	errMissedDelivery = errors.New("messages were lost on the way")
	errStalled        = errors.New("a message that the log has does not come")
)

// maxAttempts is how often in a row a reader may find the log too short or with a hole. On one node the first look is the truth;
// in a cluster a replica that has just become leader, or an ephemeral consumer on a replica that lags, may show less.
func (r *reader) maxAttempts() int {
	if r.log.Embedded() && r.log.config.Replicas <= 1 {
		return 1
	}
	return 6
}

// read gives each message to take, until that returns false, ctx ends (both nil), or something is wrong that no new consumer cures.
func (r *reader) read(ctx context.Context, handle func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool) error {
	for failures, shortLog, stalls := 0, 0, 0; ; {
		before, began := r.next, time.Now()
		err := r.readOnce(ctx, handle)
		if r.next > before || time.Since(began) > 10*time.Second {
			failures, shortLog = 0, 0
		}
		if r.next > before {
			stalls = 0
		}
		switch {
		case errors.Is(err, errStopped) || ctx.Err() != nil:
			return nil
		case r.log.ctx.Err() != nil:
			return ErrClosed
		case errors.Is(err, ErrGap) || errors.Is(err, ErrPastEnd):
			if shortLog++; shortLog >= r.maxAttempts() {
				return err
			}
		case isPermanent(err):
			return err
		case errors.Is(err, errStalled):
			if stalls++; stalls == maxStalls {
				return fmt.Errorf("%w: %s says that it has %d and does not give it", ErrGap, r.stream, r.next)
			}
		}
		if failures++; failures == 1 && !errors.Is(err, ErrGap) && !errors.Is(err, ErrPastEnd) {
			continue // a reconnect or a lost message: at once
		}
		wait := min(25*time.Millisecond<<min(failures, 10), 2*time.Second)
		r.log.logger.Warn("a reader tries again", "stream", r.stream, "from", r.next, "error", err, "after", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		case <-r.log.ctx.Done():
		}
	}
}

// isPermanent is an answer of the server that it will give again: no such stream, too many consumers.
func isPermanent(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.Code < 500 && !errors.Is(err, jetstream.ErrConsumerNotFound)
}

// readOnce reads through one consumer until it breaks.
func (r *reader) readOnce(ctx context.Context, handle func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.log.connContext(), func() { cancel(nil) })()

	state, err := r.log.streamState(ctx, r.stream)
	if err != nil {
		return err
	}
	if r.next > state.Last+1 { // the server would wait for it, and skip what comes before without a word
		return fmt.Errorf("%w: %s ends at %d, and %d is to be read", ErrPastEnd, r.stream, state.Last, r.next)
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
	var awaiting atomic.Uint64 // the number that Next is waiting for; 0 while it is not
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
			continue // the durable again, of what was under way when it was reset
		case r.filter != "":
			if meta.Sequence.Consumer != delivered {
				return errMissedDelivery
			}
		case number > r.next && r.durable != "":
			return errStalled // what is missing may have gone to the durable's last pull: see watchStall
		case number > r.next && delivered == 1:
			return fmt.Errorf("%w: %s has %d where %d should be", ErrGap, r.stream, number, r.next)
		case number > r.next:
			return errMissedDelivery // or a hole: the next round, which begins with it, will tell
		}
		if !handle(m, meta) {
			return errStopped
		}
		r.next = number + 1
	}
}

// maxStalls is how many consumers in a row must not get a message that the log says it has. One may be bad luck (below);
// this many, some ten seconds apart from the first, are a message whose bytes nats-server cannot read any more: it passes it
// over without a word, and reports the log as healthy.
const maxStalls = 5

// stallTimeout is how long a message that the log has may stay away before its consumer is made anew.
const stallTimeout = 2 * time.Second

// watchStall ends a round whose message does not come though the log has it. The durable's last pull, of a round or a
// reader that has just ended, may still be in force when the durable is reset: then the server sends to nobody what we wait
// for, and would send it again only after AckWait.
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

// consumer makes the server's side: always from a number, never "new", which loses what comes before its first delivery.
func (r *reader) consumer(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // see info
	defer cancel()
	if r.durable != "" {
		return r.log.durableConsumer(ctx, r.durable, r.next)
	}
	// Who has enough still waits a moment for the answer: a consumer that nobody heard of is removed by nobody.
	createCtx, cancelCreate := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancelCreate()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, cancelCreate) })()
	return r.log.js.CreateConsumer(createCtx, r.stream, jetstream.ConsumerConfig{
		Name:              "reader-" + rand.Text(),
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       r.next,
		FilterSubject:     r.filter,
		HeadersOnly:       r.headersOnly,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: 30 * time.Second, // should we die before remove
	})
}

// remove takes the consumer away at once: left to its threshold, a rush of readers would use up what a stream may have.
func (r *reader) remove(ctx context.Context, name string) {
	if !r.log.nc.IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := r.log.js.DeleteConsumer(ctx, r.stream, name); err != nil && r.log.ctx.Err() == nil {
		r.log.logger.Debug("a reader's consumer was not removed", "error", err)
	}
}
