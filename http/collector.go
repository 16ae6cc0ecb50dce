// Figures that are looked up when somebody scrapes: one line for each.

package http

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// A Figure is one metric that is looked up in an S. Make it with Gauge or Counter.
type Metric[S any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(S) float64
}

type number interface {
	~int | ~int64 | ~uint64 | ~float64
}

// Gauge is a figure that goes up and down; labels are names and values by turns.
func Gauge[S any, N number](name, help string, value func(S) N, labels ...string) Metric[S] {
	return newMetric(prometheus.GaugeValue, name, help, value, labels)
}

// Counter is a figure that only grows while the process lives.
func Counter[S any, N number](name, help string, value func(S) N, labels ...string) Metric[S] {
	return newMetric(prometheus.CounterValue, name, help, value, labels)
}

func newMetric[S any, N number](kind prometheus.ValueType, name, help string, value func(S) N, labels []string) Metric[S] {
	constLabels := prometheus.Labels{}
	for i := 0; i+1 < len(labels); i += 2 {
		constLabels[labels[i]] = strings.ToValidUTF8(labels[i+1], "?")
	}
	return Metric[S]{prometheus.NewDesc(name, help, nil, constLabels), kind, func(s S) float64 { return float64(value(s)) }}
}

// Register adds figures to m that are of one moment: look is asked once each time. They are left out when it says false.
func Register[S any](m *Metrics, read func() (S, bool), metrics ...Metric[S]) {
	m.registry.MustRegister(collector[S]{read, metrics})
}

type collector[S any] struct {
	read    func() (S, bool)
	metrics []Metric[S]
}

func (c collector[S]) Describe(out chan<- *prometheus.Desc) {
	for _, f := range c.metrics {
		out <- f.desc
	}
}

func (c collector[S]) Collect(out chan<- prometheus.Metric) {
	s, ok := c.read()
	if !ok {
		return
	}
	for _, f := range c.metrics {
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(s))
	}
}
