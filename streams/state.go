// The state of the streams, from which callers detect a damaged log: nats-server reports one as healthy and reuses its numbers.

package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// State returns the state of both streams as their leaders report it, if they have a quorum. Other replicas are not checked.
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
		return domain.StreamState{}, domain.ErrClosed
	}
	info, err := l.info(ctx, stream)
	if err != nil {
		return domain.StreamState{}, fmt.Errorf("state of %s: %w", stream, err)
	}
	if !hasQuorum(info.Cluster) {
		return domain.StreamState{}, fmt.Errorf("state of %s: %w", stream, errNoQuorum)
	}
	return stateOf(info), nil
}

// errNoQuorum: a leader that is cut off from its replicas answers as before, while others may have elected another and gone on.
var errNoQuorum = errors.New("the leader has no contact with a majority of its replicas")

// maxReplicaSilence is how long a replica may not have answered its leader, whose heartbeats come every second.
const maxReplicaSilence = 4 * time.Second

// hasQuorum reports whether a majority of the replicas, the leader among them, had contact lately.
func hasQuorum(c *jetstream.ClusterInfo) bool {
	if c == nil {
		return true
	}
	inContact := 1
	for _, replica := range c.Replicas {
		if !replica.Offline && replica.Active < maxReplicaSilence {
			inContact++
		}
	}
	return inContact > (len(c.Replicas)+1)/2
}

// info waits for two seconds at most. A request to a leader that has just stopped is lost, and nats.go applies no timeout of
// its own if the context has a deadline.
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
