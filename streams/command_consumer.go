// The projector's durable consumer on COMMANDS. The projector's own checkpoint is the truth about how far it has come; the
// durable is set to it at every start and after every trouble, and its acks only bound what is under way and let an operator
// see how far a node is.

package streams

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// CommandConsumer delivers COMMANDS in order, each message once, from a given one on. After a reconnect the messages under way are
// asked for again and doubles are left out here, so its reader sees from, from+1, … with no gap and no repetition.
type CommandConsumer struct {
	log     *Log
	batches chan domain.Batch
	cancel  context.CancelFunc
	err     error // set before batches is closed

	mu      sync.Mutex // guards unacked
	unacked []delivery // in order of message
}

type delivery struct {
	message uint64
	reply   string
}

// ConsumeCommands starts to read at message from, which is 1 or more; if the log ends before that, Err is ErrPastEnd. Only one
// process may do so under one node name.
func (l *Log) ConsumeCommands(ctx context.Context, from uint64) (*CommandConsumer, error) {
	switch {
	case l.config.ReadOnly:
		return nil, ErrReadOnly
	case l.ctx.Err() != nil:
		return nil, ErrClosed
	case from == 0:
		return nil, errors.New("messages are counted from 1")
	}
	c := &CommandConsumer{log: l, batches: make(chan domain.Batch, 16)}
	ctx, c.cancel = context.WithCancel(ctx)
	stop := context.AfterFunc(l.ctx, c.cancel)
	r := &reader{log: l, stream: commandsStream, next: from, durable: "projector-" + l.config.Node, onReset: c.reset}
	l.readers.Go(func() {
		defer stop()
		c.run(ctx, r)
	})
	return c, nil
}

// durableConsumer makes the consumer if need be and sets it to a message. A reset below the start of what was read before
// is the ordinary case: a node whose store was rebuilt.
func (l *Log) durableConsumer(ctx context.Context, name string, from uint64) (jetstream.Consumer, error) {
	consumer, err := l.js.CreateOrUpdateConsumer(ctx, commandsStream, jetstream.ConsumerConfig{
		Durable:       name,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckAllPolicy,
		AckWait:       time.Hour, // a projector may be slow for as long as it likes; what is lost, the reader notices itself
		MaxDeliver:    -1,
		MaxAckPending: 8192,
	})
	if err != nil {
		return nil, err
	}
	_, err = l.js.ResetConsumerToSequence(ctx, commandsStream, name, from)
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
		c.track(delivery{batch.Message, m.Reply()})
		select {
		case c.batches <- batch: // full while the projector is busy; then nothing more is fetched either
			return true
		case <-ctx.Done():
			return false
		}
	})
	c.err = errors.Join(decodeErr, err)
	if c.err == nil && c.log.ctx.Err() != nil {
		c.err = ErrClosed
	}
}

// Batches is closed when the reading has ended; then Err tells why.
func (c *CommandConsumer) Batches() <-chan domain.Batch { return c.batches }

// Err is nil after Stop and after the end of the context. It may be asked only when Batches is closed.
func (c *CommandConsumer) Err() error { return c.err }

// Stop ends the reading and waits for it. What is still in Batches is dropped.
func (c *CommandConsumer) Stop() {
	c.cancel()
	for range c.batches {
	}
}

// Ack tells the server that everything up to a message is done with. It doesn't wait, and it doesn't matter if it is lost.
func (c *CommandConsumer) Ack(message uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for n < len(c.unacked) && c.unacked[n].message <= message {
		n++
	}
	if n == 0 {
		return
	}
	c.log.nc.Publish(c.unacked[n-1].reply, []byte("+ACK"))
	c.unacked = append(c.unacked[:0], c.unacked[n:]...)
}

func (c *CommandConsumer) track(d delivery) {
	c.mu.Lock()
	c.unacked = append(c.unacked, d)
	c.mu.Unlock()
}

// reset drops the replies of a consumer that was reset since: its acks mean nothing any more.
func (c *CommandConsumer) reset() {
	c.mu.Lock()
	c.unacked = c.unacked[:0]
	c.mu.Unlock()
}
