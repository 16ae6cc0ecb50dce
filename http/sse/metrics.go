// Metrics. The hub is a prometheus.Collector; all values are read when they are scraped. Counters count from its start.

package sse

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Describe is the collector's.
func (h *Hub) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(h, out) }

// Collect is the collector's.
func (h *Hub) Collect(out chan<- prometheus.Metric) {
	metric := func(t prometheus.ValueType, name, help string, value float64, label ...string) {
		labels := prometheus.Labels{}
		if len(label) > 0 {
			labels[label[0]] = label[1]
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, labels), t, value)
	}
	gauge := func(name, help string, value float64, label ...string) {
		metric(prometheus.GaugeValue, name, help, value, label...)
	}
	counter := func(name, help string, value uint64, label ...string) {
		metric(prometheus.CounterValue, name, help, float64(value), label...)
	}

	h.mu.RLock()
	open, tail, head, drain := h.open, h.ring.tail, h.ring.head, h.drainDuration()
	h.mu.RUnlock()
	for kind, n := range open {
		gauge("onsale_streams_open", "Open streams.", float64(n), "kind", TopicKind(kind).String())
	}
	const opened = "Streams opened, by how they began: fresh, complete (resumed) or reset."
	counter("onsale_streams_opened_total", opened, h.fresh.Load(), "start", statusFresh)
	counter("onsale_streams_opened_total", opened, h.complete.Load(), "start", statusComplete)
	counter("onsale_streams_opened_total", opened, h.reset.Load(), "start", statusReset)

	const byLimit, dropped = "Streams rejected, by limit.", "Streams that the node closed or rejected, by reason."
	r := &h.rejections
	counter("onsale_streams_rejected_total", "Streams rejected with a retry delay.", h.rejected.Load())
	counter("onsale_streams_rejected_by_limit_total", byLimit, r.all.Load(), "limit", "all")
	counter("onsale_streams_rejected_by_limit_total", byLimit, r.user.Load(), "limit", "user")
	counter("onsale_streams_rejected_by_limit_total", byLimit, r.address.Load(), "limit", "address")
	counter("onsale_streams_dropped_total", dropped, h.slow.Load(), "reason", "slow")
	counter("onsale_streams_dropped_total", dropped, r.total(), "reason", "limit")
	counter("onsale_streams_dropped_total", dropped, h.dropped.halted.Load(), "reason", "halted")
	counter("onsale_streams_dropped_total", dropped, h.dropped.isolated.Load(), "reason", "isolated")
	counter("onsale_streams_dropped_total", dropped, h.dropped.draining.Load(), "reason", draining)
	counter("onsale_streams_expired_total", "Streams ended, or not resumed, because the client's identity was not valid any more.", h.expired.Load())
	gauge("onsale_streams_drain_seconds", "Duration of the last drain, or of the one under way; 0: there was none.", drain.Seconds())

	const catchUps = "Streams that read the journal (active), or wait for a slot to read it (waiting)."
	active, waiting := h.catchUpSlots.counts()
	counter("onsale_streams_demoted_total", "Slow streams that fell out of the ring and read the journal.", h.demoted.Load())
	gauge("onsale_streams_catching_up", catchUps, float64(active), "state", "active")
	gauge("onsale_streams_catching_up", catchUps, float64(waiting), "state", "waiting")
	counter("onsale_streams_replayed_events_total", "Events read from the journal in the read store for streams.", h.replayed.Load())
	counter("onsale_streams_conflations_total",
		"Times that a slow stream of seats got the latest status of each seat instead of every step.", h.conflations.Load())
	counter("onsale_streams_conflated_frames_total", "Frames that conflations left out.", h.conflated.Load())

	counter("onsale_streams_written_bytes_total", "Bytes written to streams.", h.bytes.Load())
	counter("onsale_frames_encoded_total", "Frames encoded.", h.encoded.Load())
	counter("onsale_frames_written_total", "Frames written.", h.written.Load())
	gauge("onsale_ring_tail", "Number of the oldest event in the ring; head+1 when it is empty.", float64(tail))
	gauge("onsale_ring_head", "Number of the newest event in the ring.", float64(head))

	l := h.lags()
	gauge("onsale_streams_behind", "Streams that lack events: their connection is full, or they catch up.", float64(l.behind))
	gauge("onsale_streams_lag_events_p99", "99th percentile of how many events streams are behind, over all streams.", float64(l.p99))
	gauge("onsale_streams_lag_events_max", "How many events the stream that is farthest behind lacks.", float64(l.max))
}

// drainDuration is that of the last drain, or the one under way so far, under the hub's lock.
func (h *Hub) drainDuration() time.Duration {
	d := h.lastDrain
	if !d.began.IsZero() && d.ended.IsZero() {
		d.ended = time.Now()
	}
	return d.ended.Sub(d.began)
}
