// Appending commands, and what an error of an append means for the log.

package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// Append appends a command and returns its sequence once it is stored. If ctx ends first, the error is ErrNoAck if the
// command was already sent; otherwise it is that of ctx, and the command is never sent.
func (l *Log) Append(ctx context.Context, c domain.Command) (sequence uint64, err error) {
	if l.config.ReadOnly {
		return 0, ErrReadOnly
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	payload, err := EncodeCommand(c)
	if err != nil {
		return 0, err
	}
	p := &pendingAppend{payload: payload, trace: l.traceOf(ctx), done: make(chan appendResult, 1)}
	if !l.batcher.enqueue(p) {
		return 0, domain.ErrClosed
	}
	select {
	case r := <-p.done:
		return r.sequence, r.err
	case <-ctx.Done():
	}
	if l.batcher.cancel(p) {
		return 0, context.Cause(ctx)
	}
	select {
	case r := <-p.done: // completed in the meantime
		return r.sequence, r.err
	default:
		return 0, fmt.Errorf("%w: %w", domain.ErrNoAck, context.Cause(ctx))
	}
}

// appendMessage waits for the ack, at most ackWait: all pending appends wait for it too.
func (l *Log) appendMessage(payload []byte, header nats.Header, options ...jetstream.PublishOpt) (message uint64, err error) {
	if err := l.runHook(commandsStream, BeforeSend); err != nil {
		return 0, fmt.Errorf("%w: %w", domain.ErrUnavailable, err)
	}
	ctx, cancel := context.WithTimeout(l.ctx, l.ackWait)
	defer cancel()
	ack, err := l.js.PublishMsg(ctx, &nats.Msg{Subject: l.prefix.subject(commandSubject(l.config.Node)), Header: header, Data: payload}, options...)
	if err != nil {
		return 0, l.classifyPublishError(err)
	}
	// A crash here leaves the commands in the log without an answer to their clients: they will be decided, and a retry with
	// the same key returns the outcome.
	if err := l.runHook(commandsStream, AfterStore); err != nil {
		return 0, fmt.Errorf("%w: %w", domain.ErrNoAck, err)
	}
	return ack.Sequence, nil
}

// AppendNoops pads COMMANDS with noop commands up to the message of the store's checkpoint, after a power loss has cut its
// end. It needs an embedded server, whose only writer this process is, and must run before the first Append.
func (l *Log) AppendNoops(ctx context.Context, upTo uint64) error {
	switch {
	case l.config.ReadOnly:
		return ErrReadOnly
	case !l.Embedded():
		return errors.New("only the log of an embedded server is padded: a cluster keeps what it acknowledged")
	}
	noop, err := EncodeCommand(domain.Command{Entity: domain.SystemEntity, Body: domain.Noop{}})
	if err != nil {
		return err
	}
	state, err := l.streamState(ctx, commandsStream)
	if err != nil {
		return err
	}
	for last := state.Last; last < upTo; last++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		// A crash here leaves a log that is partly padded; the next start continues.
		if _, err := l.appendMessage(noop, nil, jetstream.WithExpectLastSequence(last)); err != nil {
			return fmt.Errorf("noop message %d: %w", last+1, err)
		}
	}
	return nil
}

// classifyPublishError wraps the error of a publish with what it means for the log.
func (l *Log) classifyPublishError(err error) error {
	kind := domain.ErrNoAck
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch server.ErrorIdentifier(api.ErrorCode) { // the server answered, so it refused
		case server.JSStreamStoreFailedF, // among others when the maximum of bytes is exceeded
			server.JSInsufficientResourcesErr, server.JSStorageResourcesExceededErr, server.JSAccountResourcesExceededErr:
			kind = domain.ErrFull
		case server.JSStreamWrongLastSequenceErrF, server.JSStreamWrongLastSequenceConstantErr:
			kind = domain.ErrFenced
		default:
			kind = domain.ErrUnavailable
		}
	} else if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrMaxPayload) {
		kind = domain.ErrUnavailable // no stream received it, or it was never sent
	} else {
		l.checkServer()
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// batcher sends all commands of this node. One append is in flight, and the commands that arrive meanwhile share the next
// message: a quiet node sends each command at once, a burst shares round trips and fsyncs, and no timer is involved.
type batcher struct {
	mu      sync.Mutex // guards pending and stopped; never held while a message is sent
	pending []*pendingAppend
	stopped bool
	wake    chan struct{} // capacity 1: pending or stopped has changed
	done    chan struct{}
}

// pendingAppend is one waiting command. There are never more of them than goroutines in Append.
type pendingAppend struct {
	payload []byte
	trace   string            // its parent in a trace; "": none
	done    chan appendResult // capacity 1
}

type appendResult struct {
	sequence uint64
	err      error
}

func startBatcher(l *Log) *batcher {
	b := &batcher{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go b.run(l)
	return b
}

func (b *batcher) enqueue(p *pendingAppend) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return false
	}
	b.pending = append(b.pending, p)
	b.signal()
	return true
}

func (b *batcher) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// cancel removes p, and returns false if p was already sent.
func (b *batcher) cancel(p *pendingAppend) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.pending, p)
	if i < 0 {
		return false
	}
	b.pending = slices.Delete(b.pending, i, i+1)
	return true
}

// nextBatch removes as many as one message may hold, in the order of arrival.
func (b *batcher) nextBatch(buf []*pendingAppend) (batch []*pendingAppend, stopped bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	bytes, count := 0, 0
	for _, p := range b.pending {
		if bytes += len(p.payload) + 1; count == maxMessageCommands || bytes > maxMessageBytes+1 {
			break
		}
		count++
	}
	buf = append(buf[:0], b.pending[:count]...)
	b.pending = slices.Delete(b.pending, 0, count)
	return buf, b.stopped
}

func (b *batcher) run(l *Log) {
	defer close(b.done)
	var batch []*pendingAppend
	var payload []byte
	for {
		var stopped bool
		if batch, stopped = b.nextBatch(batch); stopped {
			for len(batch) > 0 {
				complete(batch, 0, domain.ErrClosed)
				batch, _ = b.nextBatch(batch)
			}
			return
		}
		if len(batch) == 0 {
			<-b.wake
			continue
		}
		payload = payload[:0]
		for i, p := range batch {
			if i > 0 {
				payload = append(payload, '\n')
			}
			payload = append(payload, p.payload...)
		}
		message, err := l.appendMessage(payload, traceBatch(batch))
		complete(batch, message, err)
		clear(batch)
	}
}

func complete(batch []*pendingAppend, message uint64, err error) {
	for i, p := range batch {
		p.done <- appendResult{message*domain.SequencesPerMessage + uint64(i), err}
	}
}

func (b *batcher) stop() {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	b.signal()
	<-b.done
}
