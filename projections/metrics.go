// Metrics of the projector. It is a prometheus.Collector; a scrape reads memory only.

package projections

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/domain"
)

var (
	haltedDesc     = prometheus.NewDesc("onsale_halted", "1 when this node has stopped deciding; onsale_halted_info has the reason.", nil, nil)
	haltedInfoDesc = prometheus.NewDesc("onsale_halted_info", "Why this node has stopped deciding.", []string{"reason"}, nil)
	decidedDesc    = prometheus.NewDesc("onsale_commands_decided_sequence", "Sequence of the last decided command.", nil, nil)
	eventsDesc     = prometheus.NewDesc("onsale_events_decided", "Number of the last event in the read store.", nil, nil)
	confirmedDesc  = prometheus.NewDesc("onsale_events_confirmed", "Number of the last event that is confirmed in EVENTS.", nil, nil)
	outboxDesc     = prometheus.NewDesc("onsale_outbox_events", "Events decided and not confirmed.", nil, nil)
	ordersDesc     = prometheus.NewDesc("onsale_orders", "Orders by status.", []string{"status"}, nil)
	refundDesc     = prometheus.NewDesc("onsale_refund_due_amount", "Money that was paid and is to be refunded, in the currency's minor unit.", nil, nil)
	stuckDesc      = prometheus.NewDesc("onsale_refunds_stuck", "Orders whose refund has not come for half an hour.", nil, nil)
	backlogDesc    = prometheus.NewDesc("onsale_backlog_messages", "Messages of COMMANDS, from all nodes, that this node has not decided.", nil, nil)
)

// metrics counts confirmed events.
type metrics struct {
	events *prometheus.CounterVec // by type and code
	delay  prometheus.Histogram

	mu       sync.Mutex
	counters map[eventKey]prometheus.Counter // saves building the labels for each event
}

// eventKey is the type of an event; of a rejection, the type of its command and the code.
type eventKey struct{ name, code string }

func newMetrics() metrics {
	return metrics{
		counters: map[eventKey]prometheus.Counter{},
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onsale_events_total", Help: "Events confirmed on this node since its start, by type; rejections and dead letters also by code.",
		}, []string{"type", "code"}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "onsale_outcome_delay_seconds", Help: "Time from the log's timestamp of a user's command to the confirmation of its outcome on this node.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
	}
}

func (m *metrics) observe(events []ConfirmedEvent) {
	now := domain.At(time.Now())
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range events {
		e := &events[i].Event
		m.counter(e.Body).Inc()
		if !e.Request.IsZero() {
			m.delay.Observe(max(0, now.Sub(e.Now)).Seconds())
		}
	}
}

func (m *metrics) counter(body domain.Body) prometheus.Counter {
	var key eventKey
	switch body := body.(type) {
	case domain.Rejection:
		key = eventKey{body.Command, body.Code} // building its type name would allocate for each event
	case domain.DeadLetter:
		key.name, _ = body.Type()
		key.code = body.Reason
	default:
		key.name, _ = body.Type()
	}
	counter := m.counters[key]
	if counter == nil {
		name, _ := body.Type()
		counter = m.events.WithLabelValues(name, key.code)
		m.counters[key] = counter
	}
	return counter
}

// Describe implements prometheus.Collector.
func (p *Projector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{haltedDesc, haltedInfoDesc, decidedDesc, eventsDesc, confirmedDesc, outboxDesc, backlogDesc, ordersDesc, refundDesc, stuckDesc} {
		out <- desc
	}
	p.metrics.events.Describe(out)
	p.metrics.delay.Describe(out)
}

// Collect implements prometheus.Collector.
func (p *Projector) Collect(out chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	s := p.Status()
	if s.Halted == "" {
		gauge(haltedDesc, 0)
	} else {
		gauge(haltedDesc, 1)
		gauge(haltedInfoDesc, 1, strings.ToValidUTF8(s.Halted[:min(len(s.Halted), 120)], ""))
	}
	gauge(decidedDesc, s.DecidedSequence)
	gauge(eventsDesc, s.Events)
	gauge(confirmedDesc, s.Confirmed)
	gauge(outboxDesc, s.Events-s.Confirmed)
	// commandsEnd is up to two seconds old, so the decided message may be ahead of it.
	end, decided := p.commandsEnd.Load(), s.DecidedSequence/domain.SequencesPerMessage
	gauge(backlogDesc, end-min(end, decided))
	p.mu.RLock()
	state, counts := p.machine.Orders, [len(orderStatuses)]int{}
	for i, status := range orderStatuses {
		counts[i] = state.Count(status)
	}
	underRefund, stuck := state.UnderRefund(), state.StuckRefunds()
	p.mu.RUnlock()
	for i, status := range orderStatuses {
		gauge(ordersDesc, uint64(counts[i]), string(status))
	}
	gauge(refundDesc, uint64(underRefund))
	gauge(stuckDesc, uint64(stuck))
	p.metrics.events.Collect(out)
	p.metrics.delay.Collect(out)
}
