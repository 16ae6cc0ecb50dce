// Events as one atomic batch: when that is the better way, and the headers that make one.
package streams

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// atomicFrom says from how many records on a piece is an atomic batch: all of it at its place, or nothing. On replicated
// streams that costs no more than single messages and leaves no room for another node between them. On one embedded server,
// which nobody else writes to, a batch takes some 15 ms for its staging files: too much, except where each message would
// be synced by itself.
func atomicFrom(c Config) int {
	switch {
	case c.Dir == "" && c.Replicas > 1:
		return 2
	case c.Dir != "" && c.Sync == 0:
		return 16
	}
	return pieceRecords + 1 // never
}

// emitAtomically sends the piece as one batch that is stored as a whole or not at all; nats.go has no call for it.
func (l *Log) emitAtomically(ctx context.Context, piece []domain.Record) error {
	m := message()
	setHeader(m, "Nats-Batch-Id", rand.Text())
	setHeader(m, jetstream.ExpectedLastSeqHeader, strconv.FormatUint(piece[0].Number-1, 10)) // on the first message only
	for i, r := range piece {
		fill(m, r)
		setHeader(m, "Nats-Batch-Sequence", strconv.Itoa(i+1))
		if i == len(piece)-1 {
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
		return l.emitVerdict(err)
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
		return l.emitVerdict(ack.Error)
	}
	if ack.Sequence != piece[len(piece)-1].Number || ack.Count != len(piece) {
		return fmt.Errorf("events %d to %d were stored as %d up to number %d", piece[0].Number, piece[len(piece)-1].Number, ack.Count, ack.Sequence)
	}
	return nil
}
