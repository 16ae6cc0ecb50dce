// Emitting events: each one carries the number that EVENTS must end with before it, so it lands exactly at its own number or
// is refused, whoever else writes and however often it is sent.
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

const (
	hashHeader = "Onsale-Hash"

	pieceRecords = 500     // emitted for one ack
	pieceBytes   = 8 << 20 // or less, to stay far below the 128 MiB that a stream takes in unhandled
)

// ErrFenced means that EVENTS does not end where the first of the records begins: another node was faster, or an earlier
// try got through. Compare what is there, and go on after it.
var ErrFenced = domain.ErrFenced

// Emit appends records with consecutive numbers. After nil, EVENTS ends with them. After an error some of them may be in
// EVENTS, always the first ones.
func (l *Log) Emit(ctx context.Context, records []domain.Record) error {
	if l.config.ReadOnly {
		return ErrReadOnly
	}
	if l.ctx.Err() != nil {
		return ErrClosed
	}
	for i, r := range records {
		if r.Number != records[0].Number+uint64(i) {
			return fmt.Errorf("event %d follows event %d in one emission", r.Number, records[0].Number+uint64(i)-1)
		}
	}
	only := len(records)
	if err := l.askHook(eventsStream, BeforeSend); err != nil {
		first, ok := errors.AsType[OnlyFirst](err)
		if !ok {
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		only = min(only, int(first))
	}
	for rest := records[:only]; len(rest) > 0; {
		n := pieceOf(rest)
		if err := l.emitPiece(ctx, rest[:n]); err != nil {
			return fmt.Errorf("events %d to %d: %w", rest[0].Number, rest[n-1].Number, err)
		}
		// A crash here leaves EVENTS between two pieces. The outbox has the rest, and the fence shows where it begins.
		rest = rest[n:]
	}
	if only < len(records) {
		return fmt.Errorf("%w: %w", ErrUnknown, OnlyFirst(only))
	}
	if err := l.askHook(eventsStream, AfterStore); err != nil {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return nil
}

func pieceOf(records []domain.Record) (n int) {
	bytes := 0
	for n < len(records) && n < pieceRecords && (n == 0 || bytes+len(records[n].Payload) <= pieceBytes) {
		bytes += len(records[n].Payload)
		n++
	}
	return n
}

func (l *Log) emitPiece(ctx context.Context, piece []domain.Record) error {
	ctx, cancel := context.WithTimeout(ctx, l.ackWait)
	defer cancel()
	if len(piece) >= l.atomicFrom {
		return l.emitAtomically(ctx, piece)
	}
	if l.server == nil && len(piece) > 1 {
		// Others write here too, and the fence knows numbers only: if another node has just written the first half of the
		// piece, the second half would be taken on top of it. So the first one must have been taken before the rest is sent.
		if err := l.emitFenced(ctx, piece[:1]); err != nil {
			return err
		}
		piece = piece[1:]
	}
	err := l.emitFenced(ctx, piece)
	if len(piece) > 1 && errors.Is(err, ErrFenced) {
		// Only the last one asked for an answer, and its fence also fails when an earlier one was refused for another reason.
		// The first that is missing is sent alone, and the answer to it is the true one.
		state, stateErr := l.streamState(ctx, eventsStream)
		if stateErr != nil {
			return fmt.Errorf("%w: %w", ErrUnknown, stateErr)
		}
		if missing := state.Last + 1 - piece[0].Number; missing < uint64(len(piece)) {
			if reason := l.emitFenced(ctx, piece[missing:missing+1]); reason != nil {
				return reason
			}
		}
	}
	return err
}

// emitFenced sends all without waiting; the ack of the last says that the log now ends with it.
func (l *Log) emitFenced(ctx context.Context, piece []domain.Record) error {
	m := message()
	for i, r := range piece {
		fill(m, r)
		setHeader(m, jetstream.ExpectedLastSeqHeader, strconv.FormatUint(r.Number-1, 10))
		if i == len(piece)-1 {
			break
		}
		if err := l.nc.PublishMsg(m); err != nil {
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		}
	}
	// Without a retry: after one, the events before this one would be missing.
	ack, err := l.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	if err == nil && ack.Sequence != piece[len(piece)-1].Number {
		return fmt.Errorf("event %d was stored as number %d", piece[len(piece)-1].Number, ack.Sequence)
	}
	return l.emitVerdict(err)
}

// emitVerdict knows no ErrUnavailable: of several events some may be there, also when the last one was not heard.
func (l *Log) emitVerdict(err error) error {
	if err == nil {
		return nil
	}
	if err = l.verdict(err); errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return err
}

// message is filled anew for each record: nats.go writes it out before it returns.
func message() *nats.Msg {
	return &nats.Msg{Header: nats.Header{jetstream.ExpectedStreamHeader: {eventsStream}}}
}

func fill(m *nats.Msg, r domain.Record) {
	m.Subject, m.Data = r.Subject, r.Payload
	setHeader(m, hashHeader, r.Hash.String())
}

// setHeader reuses the slice of one value that is there.
func setHeader(m *nats.Msg, key, value string) {
	if values := m.Header[key]; len(values) == 1 {
		values[0] = value
		return
	}
	m.Header[key] = []string{value}
}
