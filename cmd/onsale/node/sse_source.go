// What the streams ask of the node, and what they say of themselves.

package node

import (
	"context"
	"iter"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	httpd "onsale/http"
	"onsale/http/sse"
	"onsale/http/view"
	"onsale/projections"
)

// lastEventNumber is the number of the last event of a reader's key.
func (n *Node) lastEventNumber(key sse.Topic) uint64 {
	switch key.Kind {
	case sse.TopicUser:
		return n.projector.LastOfUser(key.ID)
	case sse.TopicPromotion:
		return n.projector.LastOfEntity("coupons", key.ID)
	case sse.TopicOrder:
		return n.projector.LastOfEntity("orders", key.ID)
	}
	return n.projector.LastOfEntity("seats", key.ID)
}

// order is how an order stands in the store.
func (n *Node) order(impUID string) (snapshot sse.OrderView, found bool, err error) {
	err = n.projector.Read("", func(v *projections.View) (err error) {
		var o orders.Order
		o, found, err = v.Order(impUID)
		snapshot = sse.OrderView{User: o.User, ResultEvent: o.ResultEvent, Order: view.NewOrder(o, false)}
		return err
	})
	return snapshot, found, err
}

// progress is how a promotion stands in the store. What is said to be in it is asked before, so that it surely is.
func (n *Node) progress(promotion string) (p sse.Progress, found bool, err error) {
	p.DecidedSequence = n.projector.Status().DecidedSequence
	err = n.projector.Read("", func(v *projections.View) (err error) {
		var state coupons.Promotion
		state, found, err = v.Promotion(promotion)
		p.Issued, p.Remaining, p.IssuedEver, p.Position = state.Issued(), state.Remaining(), state.IssuedEver, v.EventNumber()
		status, until := state.Status(max(v.Now(), domain.At(time.Now())))
		p.Status, p.Until = string(status), until
		return err
	})
	return p, found, err
}

// catchUp reads the log for one reader.
func (n *Node) catchUp(ctx context.Context, from uint64, key sse.Topic) iter.Seq2[domain.Event, error] {
	switch key.Kind {
	case sse.TopicUser:
		return n.projector.EventsOfUser(ctx, key.ID, from)
	case sse.TopicOrder:
		return n.projector.EventsOfEntity(ctx, "orders", key.ID, from)
	}
	return n.projector.EventsOfEntity(ctx, "seats", key.ID, from)
}

// debugStreams lists the open streams.
func (n *Node) debugStreams() []httpd.StreamInfo {
	list := n.hub.List()
	infos := make([]httpd.StreamInfo, len(list))
	for i, s := range list {
		infos[i] = httpd.StreamInfo{Kind: s.Topic.Kind.String(), Key: s.Topic.ID, Cursor: s.Cursor, Lag: s.Lag, Age: s.Age, State: s.State}
	}
	return infos
}

// registerStreamMetrics shows the hub's figures, each a line.
func (n *Node) registerStreamMetrics() {
	type s = sse.Stats
	httpd.Register(n.registry, func() (s, bool) { return n.hub.Stats(), true },
		httpd.Gauge("onsale_streams_open", "Open streams.", func(s s) int { return s.Users }, "kind", "user"),
		httpd.Gauge("onsale_streams_open", "Open streams.", func(s s) int { return s.Schedules }, "kind", "schedule"),
		httpd.Gauge("onsale_streams_open", "Open streams.", func(s s) int { return s.Promotions }, "kind", "promotion"),
		httpd.Gauge("onsale_streams_open", "Open streams.", func(s s) int { return s.Orders }, "kind", "order"),
		httpd.Counter("onsale_streams_begun_total", "Streams begun, by the verdict on where.", func(s s) uint64 { return s.Fresh }, "verdict", "fresh"),
		httpd.Counter("onsale_streams_begun_total", "Streams begun, by the verdict on where.", func(s s) uint64 { return s.Complete }, "verdict", "complete"),
		httpd.Counter("onsale_streams_begun_total", "Streams begun, by the verdict on where.", func(s s) uint64 { return s.Reset }, "verdict", "reset"),
		httpd.Counter("onsale_streams_shed_total", "Streams turned away with a time to come back.", func(s s) uint64 { return s.Rejected }),
		httpd.Counter("onsale_streams_shed_by_limit_total", "Streams turned away, by limit.", func(s s) uint64 { return s.RejectedFull }, "limit", "all"),
		httpd.Counter("onsale_streams_shed_by_limit_total", "Streams turned away, by limit.", func(s s) uint64 { return s.RejectedUser }, "limit", "user"),
		httpd.Counter("onsale_streams_shed_by_limit_total", "Streams turned away, by limit.", func(s s) uint64 { return s.RejectedAddress }, "limit", "address"),
		httpd.Counter("onsale_streams_demoted_total", "Slow streams sent to the log.", func(s s) uint64 { return s.Demoted }),
		httpd.Counter("onsale_streams_bursts_total", "Times a slow watcher was told the latest state of each seat instead of every step.", func(s s) uint64 { return s.Conflations }),
		httpd.Counter("onsale_streams_spared_frames_total", "Steps that these bursts stood for, less their frames.", func(s s) uint64 { return s.Conflated }),
		httpd.Counter("onsale_streams_replayed_events_total", "Events read from the log for streams.", func(s s) uint64 { return s.Replayed }),
		httpd.Counter("onsale_streams_written_bytes_total", "Bytes sent to streams.", func(s s) uint64 { return s.Bytes }),
		httpd.Counter("onsale_streams_dropped_total", "Streams that the node cut off or turned away, by why.", func(s s) uint64 { return s.Slow }, "why", "slow"),
		httpd.Counter("onsale_streams_dropped_total", "Streams that the node cut off or turned away, by why.", func(s s) uint64 { return s.RejectedFull + s.RejectedUser + s.RejectedAddress }, "why", "limit"),
		httpd.Counter("onsale_streams_dropped_total", "Streams that the node cut off or turned away, by why.", func(s s) uint64 { return s.Halted }, "why", "halted"),
		httpd.Counter("onsale_streams_dropped_total", "Streams that the node cut off or turned away, by why.", func(s s) uint64 { return s.Draining }, "why", "draining"),
		httpd.Gauge("onsale_streams_drain_seconds", "How long the streams' end has taken so far; 0 before.", func(s s) float64 { return s.Drain.Seconds() }),
		httpd.Gauge("onsale_streams_catching_up", "Streams that read the log, or wait to.", func(s s) int { return s.CatchUps }, "state", "active"),
		httpd.Gauge("onsale_streams_catching_up", "Streams that read the log, or wait to.", func(s s) int { return s.Waiting }, "state", "waiting"),
		httpd.Counter("onsale_frames_encoded_total", "Frames made.", func(s s) uint64 { return s.Encoded }),
		httpd.Counter("onsale_frames_written_total", "Frames sent.", func(s s) uint64 { return s.Written }),
		httpd.Gauge("onsale_ring_tail", "Number of the oldest event in the ring; head+1 when it is empty.", func(s s) uint64 { return s.Tail }),
		httpd.Gauge("onsale_ring_head", "Number of the newest event in the ring.", func(s s) uint64 { return s.Head }),
	)
	const lag = "Events of the log by which a stream is behind its own last one that was told; 0 when it lacks nothing. Over all streams."
	httpd.Register(n.registry, n.hub.Lags,
		httpd.Gauge("onsale_streams_behind", "Streams that lack something told: full, or reading the log.", func(l sse.Lags) int { return l.Behind }),
		httpd.Gauge("onsale_streams_lag_events", lag, func(l sse.Lags) uint64 { return l.P99 }, "quantile", "0.99"),
		httpd.Gauge("onsale_streams_lag_events", lag, func(l sse.Lags) uint64 { return l.Max }, "quantile", "1"),
	)
}
