// Appending commands: what a caller is told, and what an error means for the log.

package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

var (
	// ErrUnknown is an append that may have happened or not. It is not repeated here: the log is asked, or the same
	// request is sent again, which the rules know.
	ErrUnknown = domain.ErrNoAck

	// ErrUnavailable is an append that surely did not happen; the log may take it a little later.
	ErrUnavailable = errors.New("the log takes nothing at the moment")

	// ErrFull is an append that did not happen because the stream has reached its size. See Config.CommandsMaxBytes.
	ErrFull = domain.ErrFull
)

// Append puts a command in line and returns its place when the log has it. When ctx ends first, the error is that of ctx if
// the command had not left, so that it surely will not, and ErrUnknown if it had.
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
	p := &pendingAppend{payload: payload, done: make(chan appendResult, 1)}
	if !l.batcher.enqueue(p) {
		return 0, ErrClosed
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
	case r := <-p.done: // it came while we looked
		return r.sequence, r.err
	default:
		return 0, fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
	}
}

// appendMessage waits for the ack, and not for ever: those who wait for the next message wait for this one.
func (l *Log) appendMessage(payload []byte, options ...jetstream.PublishOpt) (message uint64, err error) {
	if err := l.runHook(commandsStream, BeforeSend); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	ctx, cancel := context.WithTimeout(l.ctx, l.ackWait)
	defer cancel()
	ack, err := l.js.PublishMsg(ctx, &nats.Msg{Subject: commandSubject(l.config.Node), Data: payload}, options...)
	if err != nil {
		return 0, l.classifyPublishError(err)
	}
	// A crash here has the commands in the log and nobody told: they will be decided, and whoever asks again with the same
	// request gets the outcome.
	if err := l.runHook(commandsStream, AfterStore); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return ack.Sequence, nil
}

// AppendNoops fills COMMANDS up to the message that the node remembers, after a power loss took the end of it. It is for an
// embedded server, whose only writer this is, and before the first Append.
func (l *Log) AppendNoops(ctx context.Context, upTo uint64) error {
	switch {
	case l.config.ReadOnly:
		return ErrReadOnly
	case !l.Embedded():
		return errors.New("only the log of an embedded server is filled up: a cluster has what it acknowledged")
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
		// A crash here is a log that is filled a part of the way; the next start goes on.
		if _, err := l.appendMessage(noop, jetstream.WithExpectLastSequence(last)); err != nil {
			return fmt.Errorf("void message %s: %w", strconv.FormatUint(last+1, 10), err)
		}
	}
	return nil
}

// classifyPublishError says what an error from a publish means for the log.
func (l *Log) classifyPublishError(err error) error {
	kind := ErrUnknown
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch api.ErrorCode { // the server answered, so it refused
		case 10077, 10023, 10047, 10002: // store failed (maximum bytes exceeded), no resources, no storage, account limit
			kind = ErrFull
		case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
			kind = ErrFenced
		default:
			kind = ErrUnavailable
		}
	} else if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrReconnectBufExceeded) {
		kind = ErrUnavailable // nobody heard it, or it never left
	} else {
		l.checkServer()
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// The lane: the only way into COMMANDS. One append is in flight; the commands that arrive meanwhile leave together in the
// next message. So a quiet node sends each command at once, a rush shares round trips and fsyncs, and no timer decides.

// batcher is what Append and its one sender share.
type batcher struct {
	mu      sync.Mutex // guards waiting and stopped; never held while something is sent
	pending []*pendingAppend
	stopped bool
	wake    chan struct{} // holds one: there is something to look at
	done    chan struct{}
}

// pendingAppend is one command on its way. There are never more of them than goroutines that wait in Append.
type pendingAppend struct {
	payload []byte
	done    chan appendResult // holds one
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
	if b.stopped {
		b.mu.Unlock()
		return false
	}
	b.pending = append(b.pending, p)
	b.mu.Unlock()
	b.signal()
	return true
}

func (b *batcher) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// cancel is false when p has left.
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

// nextBatch takes as many as one message may hold, in the order in which they came.
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
				complete(batch, 0, ErrClosed)
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
		message, err := l.appendMessage(payload)
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
