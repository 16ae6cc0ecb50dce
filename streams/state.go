// The state of the streams, from which callers detect a damaged log: nats-server reports one as healthy and reuses its numbers.

package streams

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// heardWithin is how recently most replicas must have answered a leader. They elect another 4 s after they heard from it at the
// earliest, so a leader that was stopped, or is cut off from them, does not speak for the log any more.
const heardWithin = 3 * time.Second

// State returns the state of both streams as their leaders report it. Other replicas are not checked. It is an error if a leader has
// not heard from most of its replicas just now: another one may have been elected since, and have more.
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
	want := l.commandsConfig(l.epoch)
	if stream == eventsStream {
		want = l.eventsConfig(l.epoch)
	}
	l.checkConfig(info, want)
	if !hearsMajority(info.Cluster) {
		return domain.StreamState{}, fmt.Errorf("state of %s: %w: its leader %s does not hear from a majority of the replicas", stream, domain.ErrUnavailable, info.Cluster.Leader)
	}
	return stateOf(info), nil
}

// hearsMajority says that a leader speaks for the log. A single server always does.
func hearsMajority(cluster *jetstream.ClusterInfo) bool {
	if cluster == nil {
		return true
	}
	heard := 1 // itself
	for _, replica := range cluster.Replicas {
		if replica.Active < heardWithin {
			heard++
		}
	}
	return heard > (1+len(cluster.Replicas))/2
}

// info waits for two seconds at most. A request to a leader that has just stopped is lost, and nats.go applies no timeout of
// its own if the context has a deadline.
func (l *Log) info(ctx context.Context, stream string) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s, err := l.js.Stream(ctx, l.prefix.stream(stream))
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
