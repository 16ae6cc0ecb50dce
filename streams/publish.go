// Publishing events. Each one carries the expected last sequence of EVENTS, so it is stored at exactly its own number or refused,
// no matter which other nodes write and how often it is sent.

package streams

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

const (
	maxBatchRecords = 500     // events for one ack
	maxBatchBytes   = 8 << 20 // far below the 128 MiB of unprocessed messages that a stream buffers
)

// AppendEvents appends records with consecutive numbers. After an error, some of them may be in EVENTS, always the first ones.
// ErrFenced means that another node was faster or an earlier attempt succeeded: the caller compares its events with those in the
// log, and continues after them.
func (l *Log) AppendEvents(ctx context.Context, records []domain.Record) error {
	if l.config.ReadOnly {
		return ErrReadOnly
	}
	if l.ctx.Err() != nil {
		return domain.ErrClosed
	}
	for i, r := range records {
		if r.Number != records[0].Number+uint64(i) {
			return fmt.Errorf("event %d follows event %d in one append", r.Number, records[0].Number+uint64(i)-1)
		}
	}
	limit := len(records)
	if err := l.runHook(eventsStream, BeforeSend); err != nil {
		partial, ok := errors.AsType[PartialError](err)
		if !ok {
			return fmt.Errorf("%w: %w", domain.ErrNoAck, err)
		}
		limit = min(limit, int(partial))
	}
	for rest := records[:limit]; len(rest) > 0; {
		n := batchSize(rest)
		if err := l.publishBatch(ctx, rest[:n]); err != nil {
			return fmt.Errorf("events %d to %d: %w", rest[0].Number, rest[n-1].Number, err)
		}
		// A crash here leaves EVENTS between two batches. The outbox has the rest, and the fence shows where it begins.
		rest = rest[n:]
	}
	if limit < len(records) {
		return fmt.Errorf("%w: %w", domain.ErrNoAck, PartialError(limit))
	}
	if err := l.runHook(eventsStream, AfterStore); err != nil {
		return fmt.Errorf("%w: %w", domain.ErrNoAck, err)
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
		// Other nodes write here too, and the fence compares numbers only: if another node has just written the first half of
		// the batch, our second half would be stored after it. So the first event must be acknowledged before the rest is sent.
		if err := l.publishFenced(ctx, batch[:1]); err != nil {
			return err
		}
		batch = batch[1:]
	}
	err := l.publishFenced(ctx, batch)
	if len(batch) > 1 && errors.Is(err, domain.ErrFenced) {
		// Only the last event has an answer, and its fence also fails if an earlier one was refused for another reason. The
		// first missing one is sent alone to learn that reason.
		state, stateErr := l.streamState(ctx, eventsStream)
		if stateErr != nil {
			return fmt.Errorf("%w: %w", domain.ErrNoAck, stateErr)
		}
		if missing := state.Last + 1 - batch[0].Number; missing < uint64(len(batch)) {
			if missingErr := l.publishFenced(ctx, batch[missing:missing+1]); missingErr != nil {
				return missingErr
			}
		}
	}
	return err
}

// publishFenced sends the batch without waiting; the ack of the last event confirms all of them.
func (l *Log) publishFenced(ctx context.Context, batch []domain.Record) error {
	m := l.newMessage()
	for i, r := range batch {
		l.fillMessage(m, r)
		setHeader(m, jetstream.ExpectedLastSeqHeader, strconv.FormatUint(r.Number-1, 10))
		if i == len(batch)-1 {
			break
		}
		if err := l.nc.PublishMsg(m); err != nil {
			return fmt.Errorf("%w: %w", domain.ErrNoAck, err)
		}
	}
	// No retry: the events before this one would be missing.
	ack, err := l.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	if err == nil && ack.Sequence != batch[len(batch)-1].Number {
		return fmt.Errorf("event %d was stored as number %d", batch[len(batch)-1].Number, ack.Sequence)
	}
	return l.classifyBatchError(err)
}

// classifyBatchError turns ErrUnavailable into ErrNoAck: earlier events of the batch may be stored even if the last one was
// not received.
func (l *Log) classifyBatchError(err error) error {
	if err == nil {
		return nil
	}
	if err = l.classifyPublishError(err); errors.Is(err, domain.ErrUnavailable) {
		return fmt.Errorf("%w: %w", domain.ErrNoAck, err)
	}
	return err
}

// newMessage returns a message that is reused for each record: nats.go copies it before a publish returns.
func (l *Log) newMessage() *nats.Msg {
	return &nats.Msg{Header: nats.Header{jetstream.ExpectedStreamHeader: {l.prefix.stream(eventsStream)}}}
}

func (l *Log) fillMessage(m *nats.Msg, r domain.Record) {
	m.Subject, m.Data = l.prefix.subject(r.Subject), r.Payload
	setHeader(m, hashHeader, l.hashText(r.Hash))
	l.setTrace(m, r.Number)
}

// setHeader reuses the slice of an existing value.
func setHeader(m *nats.Msg, key, value string) {
	if values := m.Header[key]; len(values) == 1 {
		values[0] = value
		return
	}
	m.Header[key] = []string{value}
}

// minAtomicBatch returns how many records a batch must have to be published atomically: all at their numbers, or none. On
// replicated streams that costs no more than single messages and leaves no gap for another node's events. On an embedded server,
// whose only writer this process is, an atomic batch takes some 15 ms for its staging files: too much, unless each message
// would be synced by itself.
func minAtomicBatch(c Config) int {
	switch {
	case c.Dir == "" && c.Replicas > 1:
		return 2
	case c.Dir != "" && c.Sync == 0:
		return 16
	}
	return maxBatchRecords + 1 // never
}

// publishAtomic sends an atomic batch, for which nats.go has no call.
func (l *Log) publishAtomic(ctx context.Context, batch []domain.Record) error {
	m := l.newMessage()
	setHeader(m, server.JSBatchId, rand.Text())
	setHeader(m, jetstream.ExpectedLastSeqHeader, strconv.FormatUint(batch[0].Number-1, 10)) // on the first message only
	for i, r := range batch {
		l.fillMessage(m, r)
		setHeader(m, server.JSBatchSeq, strconv.Itoa(i+1))
		if i == len(batch)-1 {
			break
		}
		if err := l.nc.PublishMsg(m); err != nil {
			return fmt.Errorf("%w: %w", domain.ErrNoAck, err) // the server drops a batch without a commit
		}
		delete(m.Header, jetstream.ExpectedLastSeqHeader)
	}
	setHeader(m, server.JSBatchCommit, "1")
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
		return fmt.Errorf("%w: %w", domain.ErrNoAck, err)
	}
	if ack.Error != nil {
		return l.classifyBatchError(ack.Error)
	}
	if ack.Sequence != batch[len(batch)-1].Number || ack.Count != len(batch) {
		return fmt.Errorf("events %d to %d were stored as %d up to number %d", batch[0].Number, batch[len(batch)-1].Number, ack.Count, ack.Sequence)
	}
	return nil
}
