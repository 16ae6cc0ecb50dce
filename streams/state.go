// Wholeness: nats-server reports a damaged log as healthy and gives its numbers out again, so we look for ourselves.

package streams

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// State asks the leaders. With an external NATS the other replicas are not looked at.
func (l *Log) State(ctx context.Context) (domain.LogState, error) {
	commands, err := l.streamState(ctx, commandsStream)
	if err != nil {
		return domain.LogState{}, err
	}
	events, err := l.streamState(ctx, eventsStream)
	return domain.LogState{Commands: commands, Events: events}, err
}

func (l *Log) streamState(ctx context.Context, stream string) (domain.StreamState, error) {
	if l.ctx.Err() != nil {
		return domain.StreamState{}, ErrClosed
	}
	info, err := l.info(ctx, stream)
	if err != nil {
		return domain.StreamState{}, fmt.Errorf("state of %s: %w", stream, err)
	}
	return stateOf(info), nil
}

// info waits for two seconds at most. A question to a leader that has just gone is lost, and nats.go sets no limit of its
// own when the context has one, however far away.
func (l *Log) info(ctx context.Context, stream string) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s, err := l.js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	return s.CachedInfo(), nil
}

func stateOf(info *jetstream.StreamInfo) domain.StreamState {
	s := info.State
	return domain.StreamState{First: s.FirstSeq, Last: s.LastSeq, Messages: s.Msgs, Deleted: s.NumDeleted,
		Bytes: s.Bytes, MaxBytes: uint64(max(0, info.Config.MaxBytes))}
}
