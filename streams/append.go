// Appending commands: what a caller is told, and what an error means for the log.
package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

var (
	// ErrUnknown is an append that may have happened or not. It is not repeated here: the log is asked, or the same
	// request is sent again, which the rules know.
	ErrUnknown = domain.ErrUnknown

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
	line, err := EncodeCommand(c)
	if err != nil {
		return 0, err
	}
	p := &passenger{line: line, arrived: make(chan arrival, 1)}
	if !l.lane.put(p) {
		return 0, ErrClosed
	}
	select {
	case a := <-p.arrived:
		return a.sequence, a.err
	case <-ctx.Done():
	}
	if l.lane.takeBack(p) {
		return 0, context.Cause(ctx)
	}
	select {
	case a := <-p.arrived: // it came while we looked
		return a.sequence, a.err
	default:
		return 0, fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
	}
}

// appendMessage waits for the ack, and not for ever: those who wait for the next message wait for this one.
func (l *Log) appendMessage(payload []byte, options ...jetstream.PublishOpt) (message uint64, err error) {
	if err := l.askHook(commandsStream, BeforeSend); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	ctx, cancel := context.WithTimeout(l.ctx, l.ackWait)
	defer cancel()
	ack, err := l.js.PublishMsg(ctx, &nats.Msg{Subject: commandSubject(l.config.Node), Data: payload}, options...)
	if err != nil {
		return 0, l.verdict(err)
	}
	// A crash here has the commands in the log and nobody told: they will be decided, and whoever asks again with the same
	// request gets the outcome.
	if err := l.askHook(commandsStream, AfterStore); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return ack.Sequence, nil
}

// AppendVoids fills COMMANDS up to the message that the node remembers, after a power loss took the end of it. It is for an
// embedded server, whose only writer this is, and before the first Append.
func (l *Log) AppendVoids(ctx context.Context, upTo uint64) error {
	switch {
	case l.config.ReadOnly:
		return ErrReadOnly
	case !l.Embedded():
		return errors.New("only the log of an embedded server is filled up: a cluster has what it acknowledged")
	}
	void, err := EncodeCommand(domain.Command{Entity: domain.SystemEntity, Body: domain.Void{}})
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
		if _, err := l.appendMessage(void, jetstream.WithExpectLastSequence(last)); err != nil {
			return fmt.Errorf("void message %s: %w", strconv.FormatUint(last+1, 10), err)
		}
	}
	return nil
}

// verdict says what an error from a publish means for the log.
func (l *Log) verdict(err error) error {
	meaning := ErrUnknown
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch api.ErrorCode { // the server answered, so it refused
		case 10077, 10023, 10047, 10002: // store failed (maximum bytes exceeded), no resources, no storage, account limit
			meaning = ErrFull
		case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
			meaning = ErrFenced
		default:
			meaning = ErrUnavailable
		}
	} else if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrReconnectBufExceeded) {
		meaning = ErrUnavailable // nobody heard it, or it never left
	} else {
		l.checkServer()
	}
	return fmt.Errorf("%w: %w", meaning, err)
}
