// Metrics that are read at each scrape, one line each.

package http

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// A Metric is read from an S. Make it with Gauge or Counter.
type Metric[S any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(S) float64
}

type number interface {
	~int | ~int64 | ~uint64 | ~float64
}

// Gauge is a metric that goes up and down; labels are pairs of name and value.
func Gauge[S any, N number](name, help string, value func(S) N, labels ...string) Metric[S] {
	return newMetric(prometheus.GaugeValue, name, help, value, labels)
}

// Counter is a metric that only grows.
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

// Register adds metrics of one snapshot: read is called once for each scrape. They are left out when it returns false.
func Register[S any](r *prometheus.Registry, read func() (S, bool), metrics ...Metric[S]) {
	r.MustRegister(collector[S]{read, metrics})
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
