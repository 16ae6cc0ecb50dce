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
}

func newMetrics() metrics {
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
	for _, request := range []string{"get", "cancel", "prepare"} {
		for _, outcome := range []string{"yes", "no", "unknown"} {
			m.requests.WithLabelValues(request, outcome) // shown as 0 from the start
		}
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

var (
	circuitOpenDesc = prometheus.NewDesc("onsale_payments_circuit_open",
		"1 while the circuit breaker to the payment provider is open.", nil, nil)
	inFlightDesc = prometheus.NewDesc("onsale_payments_in_flight", "Orders that this node is verifying or refunding.", nil, nil)
)

// Describe implements prometheus.Collector.
func (w *Worker) Describe(out chan<- *prometheus.Desc) {
	w.metrics.requests.Describe(out)
	w.metrics.results.Describe(out)
	w.metrics.webhooksDropped.Describe(out)
	out <- circuitOpenDesc
	out <- inFlightDesc
}

// Collect implements prometheus.Collector.
func (w *Worker) Collect(out chan<- prometheus.Metric) {
	w.metrics.requests.Collect(out)
	w.metrics.results.Collect(out)
	w.metrics.webhooksDropped.Collect(out)
	open := 0.0
	if w.breaker.State() == gobreaker.StateOpen {
		open = 1
	}
	w.mu.Lock()
	inFlight := len(w.inFlight)
	w.mu.Unlock()
	out <- prometheus.MustNewConstMetric(circuitOpenDesc, prometheus.GaugeValue, open)
	out <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(inFlight))
}
