// What /metrics shows. Some figures are counted where something happens, and cost next to nothing there; the others are
// looked up when somebody asks. Asking never reaches beyond this process: what the logs hold is what the last look at them
// found, so that a scrape is quick and harmless also when nothing else is.
package http

import (
	"cmp"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"onsale/domain"
	"onsale/projections"
)

// Metrics counts what happens in one node. Make it with NewMetrics, and give it to one Server.
type Metrics struct {
	registry *prometheus.Registry
	accepted prometheus.Counter
	refused  *prometheus.CounterVec   // by code
	requests *prometheus.CounterVec   // by route and class of status
	latency  *prometheus.HistogramVec // by route
	outcomes *prometheus.CounterVec   // by type and code
	delay    prometheus.Histogram

	telling sync.Mutex
	told    map[outcomeKey]prometheus.Counter // of outcomes, found without building its labels anew; guarded by telling
}

// outcomeKey is the type of an event, and where that is a refusal the type of its command and the code.
type outcomeKey struct{ name, code string }

// NewMetrics has counted nothing yet.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), told: map[outcomeKey]prometheus.Counter{},
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "onsale_commands_accepted_total", Help: "Commands that this node put in line: they are durable and have a place.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onsale_refused_total", Help: "Requests refused at the door, by code. What was put in line and then rejected is in onsale_outcomes_total.",
		}, []string{"code"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onsale_http_requests_total", Help: "Requests answered, by route and class of status; streams when they end.",
		}, []string{"route", "class"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "onsale_http_request_duration_seconds", Help: "Time until the answer was written, with what the client asked to wait for; without streams.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30},
		}, []string{"route"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onsale_outcomes_total", Help: "Events told by this node since its start, by type; refusals by code too.",
		}, []string{"type", "code"}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "onsale_outcome_delay_seconds", Help: "Time from the log's storing a user's command (its clock) to the telling of the outcome here.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.accepted, m.refused, m.requests, m.latency, m.outcomes, m.delay,
	)
	Look(m, func() (struct{}, bool) { return struct{}{}, true }, buildInfo())
	return m
}

// Told counts events that are being told.
func (m *Metrics) Told(events []projections.Told) {
	now := domain.At(time.Now())
	m.telling.Lock()
	defer m.telling.Unlock()
	for i := range events {
		e := &events[i].Event
		m.outcome(e.Body).Inc()
		if !e.Request.IsZero() {
			m.delay.Observe(max(0, now.Sub(e.Now)).Seconds())
		}
	}
}

func (m *Metrics) outcome(body domain.Body) prometheus.Counter {
	var key outcomeKey
	switch body := body.(type) {
	case domain.Rejection:
		key = outcomeKey{body.Command, body.Code} // its type is a text made anew each time
	case domain.Dead:
		key.name, _ = body.Type()
		key.code = body.Reason
	default:
		key.name, _ = body.Type()
	}
	counter := m.told[key]
	if counter == nil {
		name, _ := body.Type()
		counter = m.outcomes.WithLabelValues(name, key.code)
		m.told[key] = counter
	}
	return counter
}

// measured counts the answers of a route and how long each took.
func (m *Metrics) measured(route string, answer handler) handler {
	counted := m.counted(route, answer)
	latency := sync.OnceValue(func() prometheus.Observer { return m.latency.WithLabelValues(route) })
	return func(w http.ResponseWriter, r *http.Request) error {
		began := time.Now()
		defer func() { latency().Observe(time.Since(began).Seconds()) }()
		if r.Method != http.MethodPost { // a command without error had its way; and its body is read with the server's own w
			w = &witness{ResponseWriter: w}
		}
		return counted(w, r)
	}
}

// counted counts the answers of a route, which is its pattern and never a path. A handler that panics is a 5xx.
func (m *Metrics) counted(route string, answer handler) handler {
	var classes [6]func() prometheus.Counter
	for i := range classes {
		class := strconv.Itoa(i) + "xx"
		classes[i] = sync.OnceValue(func() prometheus.Counter { return m.requests.WithLabelValues(route, class) })
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		status := http.StatusInternalServerError
		defer func() { classes[status/100%6]().Inc() }()
		err := answer(w, r)
		status = http.StatusOK
		if seen, ok := w.(*witness); ok {
			status = cmp.Or(seen.status, status)
		}
		if err != nil {
			p := problemOf(err)
			status = p.Status
			if p.Sequence == 0 { // else it is an outcome
				m.refused.WithLabelValues(p.Code).Inc()
			}
		}
		return err
	}
}

// unrouted counts what finds no route, by the code with which next refuses it.
func (m *Metrics) unrouted(code string, next http.Handler) http.Handler {
	counted := m.counted("none", func(w http.ResponseWriter, r *http.Request) error {
		next.ServeHTTP(w, r)
		return nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &witness{ResponseWriter: w}
		_ = counted(seen, r)
		if seen.status == http.StatusBadRequest {
			m.refused.WithLabelValues(invalidID).Inc()
		} else {
			m.refused.WithLabelValues(code).Inc()
		}
	})
}

// witness sees the status of an answer.
type witness struct {
	http.ResponseWriter
	status int
}

func (w *witness) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *witness) Unwrap() http.ResponseWriter { return w.ResponseWriter }
