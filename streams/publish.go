// Emitting events: each one carries the number that EVENTS must end with before it, so it lands exactly at its own number or
// is refused, whoever else writes and however often it is sent.

package streams

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

const (
	hashHeader = "Onsale-Hash"

	maxBatchRecords = 500     // emitted for one ack
	maxBatchBytes   = 8 << 20 // or less, to stay far below the 128 MiB that a stream takes in unhandled
)

// ErrFenced means that EVENTS does not end where the first of the records begins: another node was faster, or an earlier
// try got through. Compare what is there, and go on after it.
var ErrFenced = domain.ErrFenced

// AppendEvents appends records with consecutive numbers. After nil, EVENTS ends with them. After an error some of them may be in
// EVENTS, always the first ones.
func (l *Log) AppendEvents(ctx context.Context, records []domain.Record) error {
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
	limit := len(records)
	if err := l.runHook(eventsStream, BeforeSend); err != nil {
		partial, ok := errors.AsType[PartialError](err)
		if !ok {
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		limit = min(limit, int(partial))
	}
	for rest := records[:limit]; len(rest) > 0; {
		n := batchSize(rest)
		if err := l.publishBatch(ctx, rest[:n]); err != nil {
			return fmt.Errorf("events %d to %d: %w", rest[0].Number, rest[n-1].Number, err)
		}
		// A crash here leaves EVENTS between two pieces. The outbox has the rest, and the fence shows where it begins.
		rest = rest[n:]
	}
	if limit < len(records) {
		return fmt.Errorf("%w: %w", ErrUnknown, PartialError(limit))
	}
	if err := l.runHook(eventsStream, AfterStore); err != nil {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return nil
}

func batchSize(records []domain.Record) (n int) {
	bytes := 0
	for n < len(records) && n < maxBatchRecords && (n == 0 || bytes+len(records[n].Payload) <= maxBatchBytes) {
		bytes += len(records[n].Payload)
		n++
	}
	return n
}

func (l *Log) publishBatch(ctx context.Context, batch []domain.Record) error {
	ctx, cancel := context.WithTimeout(ctx, l.ackWait)
	defer cancel()
	if len(batch) >= l.minAtomicBatch {
		return l.publishAtomic(ctx, batch)
	}
	if l.server == nil && len(batch) > 1 {
		// Others write here too, and the fence knows numbers only: if another node has just written the first half of the
		// piece, the second half would be taken on top of it. So the first one must have been taken before the rest is sent.
		if err := l.publishFenced(ctx, batch[:1]); err != nil {
			return err
		}
		batch = batch[1:]
	}
	err := l.publishFenced(ctx, batch)
	if len(batch) > 1 && errors.Is(err, ErrFenced) {
		// Only the last one asked for an answer, and its fence also fails when an earlier one was refused for another reason.
		// The first that is missing is sent alone, and the answer to it is the true one.
		state, stateErr := l.streamState(ctx, eventsStream)
		if stateErr != nil {
			return fmt.Errorf("%w: %w", ErrUnknown, stateErr)
		}
		if missing := state.Last + 1 - batch[0].Number; missing < uint64(len(batch)) {
			if missingErr := l.publishFenced(ctx, batch[missing:missing+1]); missingErr != nil {
				return missingErr
			}
		}
	}
	return err
}

// publishFenced sends all without waiting; the ack of the last says that the log now ends with it.
func (l *Log) publishFenced(ctx context.Context, batch []domain.Record) error {
	m := newMessage()
	for i, r := range batch {
		fillMessage(m, r)
		setHeader(m, jetstream.ExpectedLastSeqHeader, strconv.FormatUint(r.Number-1, 10))
		if i == len(batch)-1 {
			break
		}
		if err := l.nc.PublishMsg(m); err != nil {
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		}
	}
	// Without a retry: after one, the events before this one would be missing.
	ack, err := l.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	if err == nil && ack.Sequence != batch[len(batch)-1].Number {
		return fmt.Errorf("event %d was stored as number %d", batch[len(batch)-1].Number, ack.Sequence)
	}
	return l.classifyBatchError(err)
}

// classifyBatchError knows no ErrUnavailable: of several events some may be there, also when the last one was not heard.
func (l *Log) classifyBatchError(err error) error {
	if err == nil {
		return nil
	}
	if err = l.classifyPublishError(err); errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return err
}

// newMessage is filled anew for each record: nats.go writes it out before it returns.
func newMessage() *nats.Msg {
	return &nats.Msg{Header: nats.Header{jetstream.ExpectedStreamHeader: {eventsStream}}}
}

func fillMessage(m *nats.Msg, r domain.Record) {
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

// Events as one atomic batch: when that is the better way, and the headers that make one.

// minAtomicBatch says from how many records on a piece is an atomic batch: all of it at its place, or nothing. On replicated
// streams that costs no more than single messages and leaves no room for another node between them. On one embedded server,
// which nobody else writes to, a batch takes some 15 ms for its staging files: too much, except where each message would
// be synced by itself.
func minAtomicBatch(c Config) int {
	switch {
	case c.Dir == "" && c.Replicas > 1:
		return 2
	case c.Dir != "" && c.Sync == 0:
		return 16
	}
	return maxBatchRecords + 1 // never
}

// publishAtomic sends the piece as one batch that is stored as a whole or not at all; nats.go has no call for it.
func (l *Log) publishAtomic(ctx context.Context, batch []domain.Record) error {
	m := newMessage()
	setHeader(m, "Nats-Batch-Id", rand.Text())
	setHeader(m, jetstream.ExpectedLastSeqHeader, strconv.FormatUint(batch[0].Number-1, 10)) // on the first message only
	for i, r := range batch {
		fillMessage(m, r)
		setHeader(m, "Nats-Batch-Sequence", strconv.Itoa(i+1))
		if i == len(batch)-1 {
			break
		}
		if err := l.nc.PublishMsg(m); err != nil {
			return fmt.Errorf("%w: %w", ErrUnknown, err) // without its end, the server forgets the batch
		}
		delete(m.Header, jetstream.ExpectedLastSeqHeader)
	}
	setHeader(m, "Nats-Batch-Commit", "1")
	reply, err := l.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return l.classifyBatchError(err)
	}
	var ack struct {
		Sequence uint64              `json:"seq"`
		Count    int                 `json:"count"`
		Error    *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if ack.Error != nil {
		return l.classifyBatchError(ack.Error)
	}
	if ack.Sequence != batch[len(batch)-1].Number || ack.Count != len(batch) {
		return fmt.Errorf("events %d to %d were stored as %d up to number %d", batch[0].Number, batch[len(batch)-1].Number, ack.Count, ack.Sequence)
	}
	return nil
}
