// Figures that are looked up when somebody scrapes: one line for each.
package http

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// A Figure is one metric that is looked up in an S. Make it with Gauge or Counter.
type Figure[S any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(S) float64
}

type number interface {
	~int | ~int64 | ~uint64 | ~float64
}

// Gauge is a figure that goes up and down; labels are names and values by turns.
func Gauge[S any, N number](name, help string, value func(S) N, labels ...string) Figure[S] {
	return figure(prometheus.GaugeValue, name, help, value, labels)
}

// Counter is a figure that only grows while the process lives.
func Counter[S any, N number](name, help string, value func(S) N, labels ...string) Figure[S] {
	return figure(prometheus.CounterValue, name, help, value, labels)
}

func figure[S any, N number](kind prometheus.ValueType, name, help string, value func(S) N, labels []string) Figure[S] {
	fixed := prometheus.Labels{}
	for i := 0; i+1 < len(labels); i += 2 {
		fixed[labels[i]] = strings.ToValidUTF8(labels[i+1], "?")
	}
	return Figure[S]{prometheus.NewDesc(name, help, nil, fixed), kind, func(s S) float64 { return float64(value(s)) }}
}

// Look adds figures to m that are of one moment: look is asked once each time. They are left out when it says false.
func Look[S any](m *Metrics, look func() (S, bool), figures ...Figure[S]) {
	m.registry.MustRegister(lookup[S]{look, figures})
}

type lookup[S any] struct {
	look    func() (S, bool)
	figures []Figure[S]
}

func (l lookup[S]) Describe(out chan<- *prometheus.Desc) {
	for _, f := range l.figures {
		out <- f.desc
	}
}

func (l lookup[S]) Collect(out chan<- prometheus.Metric) {
	s, ok := l.look()
	if !ok {
		return
	}
	for _, f := range l.figures {
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(s))
	}
}
