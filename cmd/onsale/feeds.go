// What the streams ask of the node, and what they say of themselves.

package main

import (
	"context"
	"iter"

	"onsale/domain"
	httpd "onsale/http"
	"onsale/http/stream"
	"onsale/streams"
)

// last is the number of the last event of a reader's key.
func (n *node) last(key stream.Key) uint64 {
	if key.Kind == stream.OfUser {
		return n.projector.LastOfUser(key.ID)
	}
	return n.projector.LastOfEntity("seats", key.ID)
}

// catchUp reads the log for one reader.
func (n *node) catchUp(ctx context.Context, from uint64, key stream.Key) iter.Seq2[domain.Event, error] {
	filter := streams.ScheduleFilter(key.ID)
	if key.Kind == stream.OfUser {
		filter = streams.UserFilter(key.ID)
	}
	return func(yield func(domain.Event, error) bool) {
		for record, err := range n.log.Records(ctx, from, filter) {
			var e domain.Event
			if err == nil {
				e, err = n.log.DecodeEvent(record)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// measureStreams shows the hub's figures, each a line.
func (n *node) measureStreams() {
	type s = stream.Stats
	httpd.Look(n.metrics, func() (s, bool) { return n.hub.Stats(), true },
		httpd.Gauge("onsale_streams_open", "Open streams.", func(s s) int { return s.Users }, "kind", "user"),
		httpd.Gauge("onsale_streams_open", "Open streams.", func(s s) int { return s.Schedules }, "kind", "schedule"),
		httpd.Counter("onsale_streams_begun_total", "Streams begun, by the verdict on where.", func(s s) uint64 { return s.Fresh }, "verdict", "fresh"),
		httpd.Counter("onsale_streams_begun_total", "Streams begun, by the verdict on where.", func(s s) uint64 { return s.Complete }, "verdict", "complete"),
		httpd.Counter("onsale_streams_begun_total", "Streams begun, by the verdict on where.", func(s s) uint64 { return s.Reset }, "verdict", "reset"),
		httpd.Counter("onsale_streams_shed_total", "Streams turned away with a time to come back.", func(s s) uint64 { return s.Shed }),
		httpd.Counter("onsale_streams_shed_by_limit_total", "Streams turned away, by limit.", func(s s) uint64 { return s.ShedFull }, "limit", "all"),
		httpd.Counter("onsale_streams_shed_by_limit_total", "Streams turned away, by limit.", func(s s) uint64 { return s.ShedUser }, "limit", "user"),
		httpd.Counter("onsale_streams_shed_by_limit_total", "Streams turned away, by limit.", func(s s) uint64 { return s.ShedAddress }, "limit", "address"),
		httpd.Counter("onsale_streams_demoted_total", "Slow streams sent to the log.", func(s s) uint64 { return s.Demoted }),
		httpd.Counter("onsale_streams_replayed_events_total", "Events read from the log for streams.", func(s s) uint64 { return s.Replayed }),
		httpd.Counter("onsale_streams_written_bytes_total", "Bytes sent to streams.", func(s s) uint64 { return s.Bytes }),
		httpd.Counter("onsale_streams_slow_total", "Streams ended because a write did not finish.", func(s s) uint64 { return s.Slow }),
		httpd.Gauge("onsale_streams_catching_up", "Streams that read the log, or wait to.", func(s s) int { return s.CatchUps }, "state", "active"),
		httpd.Gauge("onsale_streams_catching_up", "Streams that read the log, or wait to.", func(s s) int { return s.Waiting }, "state", "waiting"),
		httpd.Counter("onsale_frames_encoded_total", "Frames made.", func(s s) uint64 { return s.Encoded }),
		httpd.Counter("onsale_frames_written_total", "Frames sent.", func(s s) uint64 { return s.Written }),
		httpd.Gauge("onsale_ring_tail", "Number of the oldest event in the ring; head+1 when it is empty.", func(s s) uint64 { return s.Tail }),
		httpd.Gauge("onsale_ring_head", "Number of the newest event in the ring.", func(s s) uint64 { return s.Head }),
	)
}
