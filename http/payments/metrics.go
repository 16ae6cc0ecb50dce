// The worker's metrics: it is a prometheus.Collector.

package payments

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

type metrics struct {
	requests        *prometheus.CounterVec
	results         prometheus.Counter
	webhooksDropped prometheus.Counter
	deferred        prometheus.Counter
	all             []prometheus.Collector
}

func newMetrics(w *Worker) metrics {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onsale_payments_requests_total", Help: "Requests to the payment provider, by kind and outcome.",
		}, []string{"request", "outcome"}),
		results: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "onsale_payments_results_total", Help: "Payment results appended to the log as commands.",
		}),
		webhooksDropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "onsale_payments_webhooks_dropped_total", Help: "Webhooks dropped because too many were pending.",
		}),
	}
	m.deferred = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "onsale_payments_deferred_total", Help: "Look-ups left to a later recheck because too many of one user waited.",
	})
	for _, request := range []string{"get", "find", "cancel", "prepare"} {
		for _, outcome := range []string{"yes", "no", "unknown"} {
			m.requests.WithLabelValues(request, outcome) // shown as 0 from the start
		}
	}
	circuitOpen := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "onsale_payments_circuit_open", Help: "1 while the circuit breaker to the payment provider is open.",
	}, func() float64 {
		if w.breaker.State() == gobreaker.StateOpen {
			return 1
		}
		return 0
	})
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "onsale_payments_in_flight", Help: "Orders that this node is verifying, refunding or preparing.",
	}, func() float64 {
		inFlight, _, _ := w.queue.counts()
		return float64(inFlight)
	})
	slow := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "onsale_payments_slowed", Help: "1 while refunds and rechecks are sent one at a time because the payment provider refuses so many requests.",
	}, func() float64 {
		if _, _, slow := w.queue.counts(); slow {
			return 1
		}
		return 0
	})
	m.all = []prometheus.Collector{m.requests, m.results, m.webhooksDropped, m.deferred, circuitOpen, inFlight, slow}
	for c, name := range classNames {
		m.all = append(m.all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "onsale_payments_waiting", Help: "Orders that wait on this node for their turn at the payment provider, by class.",
			ConstLabels: prometheus.Labels{"class": name},
		}, func() float64 {
			_, waiting, _ := w.queue.counts()
			return float64(waiting[c])
		}))
	}
	return m
}

func (m *metrics) countRequest(operation string, err error) {
	outcome := "yes"
	if isRefusal(err) {
		outcome = "no"
	} else if err != nil {
		outcome = "unknown"
	}
	m.requests.WithLabelValues(operation, outcome).Inc()
}

// Describe implements prometheus.Collector.
func (w *Worker) Describe(out chan<- *prometheus.Desc) {
	for _, c := range w.metrics.all {
		c.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (w *Worker) Collect(out chan<- prometheus.Metric) {
	for _, c := range w.metrics.all {
		c.Collect(out)
	}
}
