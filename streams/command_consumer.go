// The projector's durable consumer on COMMANDS. Its position is the checkpoint in the projector's store: the consumer is reset to
// it at every start and after every failure. Acks only limit the messages in flight and show operators a node's progress.

package streams

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// CommandConsumer delivers COMMANDS in order from a given message on. After a reconnect, messages in flight are requested again
// and duplicates dropped, so its user sees from, from+1, … without a gap or a repetition.
type CommandConsumer struct {
	log     *Log
	batches chan domain.Batch
	cancel  context.CancelFunc
	err     error // set before batches is closed

	mu      sync.Mutex  // guards what follows
	unacked []delivery  // in the order of messages
	decided uint64      // message up to which they may be acknowledged
	ackDue  *time.Timer // nil: none is due
}

// ackInterval is how far acks lag behind. One for each transaction would wake the server as often as the commands do.
const ackInterval = 100 * time.Millisecond

type delivery struct {
	message uint64
	reply   string
}

// ConsumeCommands starts to read at message from, at least 1; if the log ends before from-1, Err is ErrPastEnd. Only one process
// may consume under a node name.
func (l *Log) ConsumeCommands(ctx context.Context, from uint64) (*CommandConsumer, error) {
	switch {
	case l.config.ReadOnly:
		return nil, ErrReadOnly
	case l.ctx.Err() != nil:
		return nil, domain.ErrClosed
	case from == 0:
		return nil, errors.New("message numbers start at 1")
	}
	c := &CommandConsumer{log: l, batches: make(chan domain.Batch, 16)}
	ctx, c.cancel = context.WithCancel(ctx)
	stop := context.AfterFunc(l.ctx, c.cancel)
	r := &reader{log: l, stream: commandsStream, next: from, durable: consumerPrefix + l.config.Node, onReset: c.reset}
	l.readers.Go(func() {
		defer stop()
		c.run(ctx, r)
	})
	return c, nil
}

// durableConsumer creates the consumer if it is missing and resets it to a message, which may be before the ones already
// delivered, as after a rebuild of the store.
func (l *Log) durableConsumer(ctx context.Context, name string, from uint64) (jetstream.Consumer, error) {
	consumer, err := l.js.CreateOrUpdateConsumer(ctx, l.prefix.stream(commandsStream), jetstream.ConsumerConfig{
		Durable:       name,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckAllPolicy,
		AckWait:       time.Hour, // the projector may be slow, and the reader detects lost messages itself
		MaxDeliver:    -1,
		MaxAckPending: 8192,
	})
	if err != nil {
		return nil, err
	}
	_, err = l.js.ResetConsumerToSequence(ctx, l.prefix.stream(commandsStream), name, from)
	return consumer, err
}

func (c *CommandConsumer) run(ctx context.Context, r *reader) {
	defer close(c.batches)
	defer c.cancel()
	var decodeErr error
	err := r.read(ctx, func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
		var batch domain.Batch
		if batch, decodeErr = DecodeBatch(meta.Sequence.Stream, domain.At(meta.Timestamp), m.Data()); decodeErr != nil {
			return false
		}
		if t := c.log.config.Tracing; t != nil && len(m.Headers()) > 0 {
			t.reportTraces(batch.Message, len(batch.Commands), m.Headers())
		}
		c.track(delivery{batch.Message, m.Reply()})
		select {
		case c.batches <- batch: // blocks while the projector is busy, and so stops fetching
			return true
		case <-ctx.Done():
			return false
		}
	})
	c.err = errors.Join(decodeErr, err)
	if c.err == nil && c.log.ctx.Err() != nil {
		c.err = domain.ErrClosed
	}
}

// Batches is closed when the consumer has stopped; Err then has the reason.
func (c *CommandConsumer) Batches() <-chan domain.Batch { return c.batches }

// Err is nil after Stop and after the end of the context. It may be called only after Batches is closed.
func (c *CommandConsumer) Err() error { return c.err }

// Stop stops the consumer and waits for it. Undelivered batches are dropped.
func (c *CommandConsumer) Stop() {
	c.cancel()
	for range c.batches {
	}
}

// Ack acknowledges all messages up to this one, soon. Losing it does no harm.
func (c *CommandConsumer) Ack(message uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.decided = message
	if c.ackDue == nil {
		c.ackDue = time.AfterFunc(ackInterval, c.sendAck)
	}
}

func (c *CommandConsumer) sendAck() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ackDue = nil
	n := 0
	for n < len(c.unacked) && c.unacked[n].message <= c.decided {
		n++
	}
	if n == 0 {
		return
	}
	_ = c.log.nc.Publish(c.unacked[n-1].reply, []byte("+ACK"))
	c.unacked = append(c.unacked[:0], c.unacked[n:]...)
}

func (c *CommandConsumer) track(d delivery) {
	c.mu.Lock()
	c.unacked = append(c.unacked, d)
	c.mu.Unlock()
}

// reset drops the pending acks, which are invalid after the consumer was reset.
func (c *CommandConsumer) reset() {
	c.mu.Lock()
	c.unacked, c.decided = c.unacked[:0], 0
	c.mu.Unlock()
}
