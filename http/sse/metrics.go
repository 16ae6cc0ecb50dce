// Metrics. The hub is a prometheus.Collector; all values are read when they are scraped.

package sse

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// stats are the numbers of the hub at one moment. Counters count from its start.
type stats struct {
	users, schedules       int           // open streams of users and schedules,
	orders, promotions     int           // of orders and promotions
	fresh, complete, reset uint64        // streams opened, by how they began
	rejected               uint64        // streams rejected,
	rejectedFull           uint64        // of these by the limit for all,
	rejectedUser           uint64        // for a user,
	rejectedAddress        uint64        // for an address
	slow                   uint64        // streams closed by a write timeout
	draining, halted       uint64        // streams closed or rejected by a drain, by a halt,
	isolated               uint64        // and while the node had no contact with the log
	drain                  time.Duration // of the last drain, or the one under way so far
	demoted                uint64        // slow streams that fell out of the ring
	catchUps, waiting      int           // streams that read the log, that wait to
	replayed               uint64        // events that they read
	conflations, conflated uint64        // conflations sent; the frames that they saved
	encoded, written       uint64        // frames
	bytes                  uint64        // written
	tail, head             uint64        // of the ring
}

func (h *Hub) stats() stats {
	s := stats{
		fresh: h.fresh.Load(), complete: h.complete.Load(), reset: h.reset.Load(), rejected: h.rejected.Load(), slow: h.slow.Load(),
		rejectedFull: h.rejections.all.Load(), rejectedUser: h.rejections.user.Load(), rejectedAddress: h.rejections.address.Load(),
		draining: h.dropped.draining.Load(), halted: h.dropped.halted.Load(), isolated: h.dropped.isolated.Load(),
		demoted: h.demoted.Load(), replayed: h.replayed.Load(), conflations: h.conflations.Load(), conflated: h.conflated.Load(),
		encoded: h.encoded.Load(), written: h.written.Load(), bytes: h.bytes.Load(),
	}
	s.catchUps, s.waiting = h.catchUpSlots.counts()
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.tail, s.head = h.ring.tail, h.ring.head
	if d := h.lastDrain; !d.began.IsZero() {
		if d.ended.IsZero() {
			d.ended = time.Now()
		}
		s.drain = d.ended.Sub(d.began)
	}
	s.users, s.schedules, s.orders, s.promotions = h.open[TopicUser], h.open[TopicSchedule], h.open[TopicOrder], h.open[TopicPromotion]
	return s
}

func newDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	openDesc            = newDesc("onsale_streams_open", "Open streams.", "kind")
	openedDesc          = newDesc("onsale_streams_opened_total", "Streams opened, by how they began: fresh, complete (resumed) or reset.", "start")
	rejectedDesc        = newDesc("onsale_streams_rejected_total", "Streams rejected with a retry delay.")
	rejectedByLimitDesc = newDesc("onsale_streams_rejected_by_limit_total", "Streams rejected, by limit.", "limit")
	droppedDesc         = newDesc("onsale_streams_dropped_total", "Streams that the node closed or rejected.", "reason")
	drainDesc           = newDesc("onsale_streams_drain_seconds", "Duration of the drain, so far; 0: none.")
	demotedDesc         = newDesc("onsale_streams_demoted_total", "Slow streams that fell out of the ring and read the log.")
	catchingUpDesc      = newDesc("onsale_streams_catching_up", "Streams that read the log (active), or wait to.", "state")
	replayedDesc        = newDesc("onsale_streams_replayed_events_total", "Events read from the log for streams.")
	conflationsDesc     = newDesc("onsale_streams_conflations_total", "Times that a slow stream of seats got the latest status of each seat instead of every step.")
	conflatedDesc       = newDesc("onsale_streams_conflated_frames_total", "Frames saved by conflations.")
	writtenBytesDesc    = newDesc("onsale_streams_written_bytes_total", "Bytes written to streams.")
	encodedDesc         = newDesc("onsale_frames_encoded_total", "Frames encoded.")
	writtenDesc         = newDesc("onsale_frames_written_total", "Frames written.")
	ringTailDesc        = newDesc("onsale_ring_tail", "Number of the oldest event in the ring; head+1 when it is empty.")
	ringHeadDesc        = newDesc("onsale_ring_head", "Number of the newest event in the ring.")
	behindDesc          = newDesc("onsale_streams_behind", "Streams that have not got everything published for them: full, or catching up.")
	lagP99Desc          = newDesc("onsale_streams_lag_events_p99", "99th percentile of how many events streams are behind, over all streams.")
	lagMaxDesc          = newDesc("onsale_streams_lag_events_max", "How many events the stream that is farthest behind lacks.")
)

// Describe is the collector's.
func (h *Hub) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{openDesc, openedDesc, rejectedDesc, rejectedByLimitDesc, droppedDesc, drainDesc, demotedDesc,
		catchingUpDesc, replayedDesc, conflationsDesc, conflatedDesc, writtenBytesDesc, encodedDesc, writtenDesc, ringTailDesc,
		ringHeadDesc, behindDesc, lagP99Desc, lagMaxDesc} {
		out <- d
	}
}

// Collect is the collector's. Lags are left out if a loop did not answer.
func (h *Hub) Collect(out chan<- prometheus.Metric) {
	s := h.stats()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	gauge(openDesc, float64(s.users), "user")
	gauge(openDesc, float64(s.schedules), "schedule")
	gauge(openDesc, float64(s.promotions), "promotion")
	gauge(openDesc, float64(s.orders), "order")
	counter(openedDesc, s.fresh, "fresh")
	counter(openedDesc, s.complete, "complete")
	counter(openedDesc, s.reset, "reset")
	counter(rejectedDesc, s.rejected)
	counter(rejectedByLimitDesc, s.rejectedFull, "all")
	counter(rejectedByLimitDesc, s.rejectedUser, "user")
	counter(rejectedByLimitDesc, s.rejectedAddress, "address")
	counter(droppedDesc, s.slow, "slow")
	counter(droppedDesc, s.rejectedFull+s.rejectedUser+s.rejectedAddress, "limit")
	counter(droppedDesc, s.halted, "halted")
	counter(droppedDesc, s.isolated, "isolated")
	counter(droppedDesc, s.draining, "draining")
	gauge(drainDesc, s.drain.Seconds())
	counter(demotedDesc, s.demoted)
	gauge(catchingUpDesc, float64(s.catchUps), "active")
	gauge(catchingUpDesc, float64(s.waiting), "waiting")
	counter(replayedDesc, s.replayed)
	counter(conflationsDesc, s.conflations)
	counter(conflatedDesc, s.conflated)
	counter(writtenBytesDesc, s.bytes)
	counter(encodedDesc, s.encoded)
	counter(writtenDesc, s.written)
	gauge(ringTailDesc, float64(s.tail))
	gauge(ringHeadDesc, float64(s.head))
	if l, ok := h.lags(); ok {
		gauge(behindDesc, float64(l.behind))
		gauge(lagP99Desc, float64(l.p99))
		gauge(lagMaxDesc, float64(l.max))
	}
}
