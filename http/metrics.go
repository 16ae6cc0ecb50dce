// What /metrics shows. Some figures are counted where something happens, and cost next to nothing there; the others are
// looked up when somebody asks. Asking never reaches beyond this process: what the logs hold is what the last look at them
// found, so that a scrape is quick and harmless also when nothing else is.
package http

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

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

// state is how a server is at one moment.
type state struct {
	projections.Status
	ready, refusing bool
	backlog         int           // commands accepted here and not decided
	oldest          time.Duration // of these
}

// logs is how both logs stood at the last look.
type logs struct {
	domain.LogState
	age     time.Duration // of that look
	decided uint64        // message of COMMANDS; known now, so it may be ahead of that look
}

// measure makes s count, and shows how it is. The routes that were not found are set by then, the others come after.
func (s *Server) measure() {
	m := cmp.Or(s.Metrics, NewMetrics())
	s.Metrics = m
	put := s.Append
	s.Append = func(ctx context.Context, c domain.Command) (uint64, error) {
		sequence, err := put(ctx, c)
		if err == nil {
			m.accepted.Inc()
		}
		return sequence, err
	}
	s.router.NotFound = m.unrouted(notFound, s.router.NotFound)
	s.router.MethodNotAllowed = m.unrouted(methodNotAllowed, s.router.MethodNotAllowed)

	m.registry.MustRegister(haltInfo{s})
	Look(m, s.look,
		Gauge("onsale_halted", "1 when this node has stopped deciding; why is in onsale_halted_info.", func(s state) int { return one(s.Halted != "") }),
		Gauge("onsale_ready", "1 when this node should be sent users, as /readyz says.", func(s state) int { return one(s.ready) }),
		Gauge("onsale_refusing", "1 while users' commands are refused for want of room.", func(s state) int { return one(s.refusing) }),
		Gauge("onsale_commands_decided_sequence", "Place in line of the last decided command.", func(s state) uint64 { return s.Decided }),
		Gauge("onsale_backlog_commands", "Commands that this node accepted and has not decided.", func(s state) int { return s.backlog }),
		Gauge("onsale_backlog_oldest_seconds", "Age of the oldest of these.", func(s state) float64 { return s.oldest.Seconds() }),
		Gauge("onsale_events_decided", "Number of the last event in the read store.", func(s state) uint64 { return s.Events }),
		Gauge("onsale_events_confirmed", "Number of the last event that may be told.", func(s state) uint64 { return s.Confirmed }),
		Gauge("onsale_outbox_events", "Events decided and not confirmed.", func(s state) uint64 { return s.Events - s.Confirmed }),
	)
	Look(m, s.lookAtLogs,
		Gauge("onsale_log_bytes", "Size of a log.", func(l logs) uint64 { return l.Commands.Bytes }, "log", "commands"),
		Gauge("onsale_log_bytes", "Size of a log.", func(l logs) uint64 { return l.Events.Bytes }, "log", "events"),
		Gauge("onsale_log_max_bytes", "Size at which a log takes no more.", func(l logs) uint64 { return l.Commands.MaxBytes }, "log", "commands"),
		Gauge("onsale_log_max_bytes", "Size at which a log takes no more.", func(l logs) uint64 { return l.Events.MaxBytes }, "log", "events"),
		Gauge("onsale_log_messages", "Messages in a log.", func(l logs) uint64 { return l.Commands.Messages }, "log", "commands"),
		Gauge("onsale_log_messages", "Messages in a log.", func(l logs) uint64 { return l.Events.Messages }, "log", "events"),
		Gauge("onsale_log_look_age_seconds", "Time since the last look at the logs.", func(l logs) float64 { return l.age.Seconds() }),
		Gauge("onsale_backlog_messages", "Messages of COMMANDS, of all nodes, that this node has not decided.", func(l logs) uint64 {
			return l.Commands.Last - min(l.Commands.Last, l.decided)
		}),
	)
}

func one(so bool) int {
	if so {
		return 1
	}
	return 0
}

func (s *Server) look() (state, bool) {
	now := state{Status: s.Projector.Status()}
	now.ready = now.Halted == "" && now.CaughtUp && (s.Ready == nil || len(s.Ready()) == 0)
	if s.Refusal != nil {
		code, _ := s.Refusal()
		now.refusing = code != ""
	}
	now.oldest = s.door.oldest(now.Status, s.now())
	s.door.mu.Lock()
	now.backlog = len(s.door.line.commands) - s.door.line.undecided
	s.door.mu.Unlock()
	return now, true
}

func (s *Server) lookAtLogs() (logs, bool) {
	if s.Logs == nil {
		return logs{}, false
	}
	found, at := s.Logs()
	return logs{found, s.now().Sub(at), s.Projector.Status().Decided / domain.PlacesPerMessage}, !at.IsZero()
}

// haltInfo is a metric while s is halted: its label says why, in short.
type haltInfo struct{ s *Server }

var haltDesc = prometheus.NewDesc("onsale_halted_info", "Why this node has stopped deciding.", []string{"reason"}, nil)

func (haltInfo) Describe(out chan<- *prometheus.Desc) { out <- haltDesc }

func (h haltInfo) Collect(out chan<- prometheus.Metric) {
	if reason := h.s.Projector.Status().Halted; reason != "" {
		reason = strings.ToValidUTF8(reason[:min(len(reason), 120)], "")
		out <- prometheus.MustNewConstMetric(haltDesc, prometheus.GaugeValue, 1, reason)
	}
}

// metrics is GET /metrics. What cannot be collected is left out and logged.
func (s *Server) metrics() handler {
	h := promhttp.HandlerFor(s.Metrics.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelError), MaxRequestsInFlight: 4,
	})
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header()["Cache-Control"] = noStore
		h.ServeHTTP(w, r)
		return nil
	}
}

// buildInfo says what this process is made of.
func buildInfo() Figure[struct{}] {
	version, revision, goVersion := "", "", ""
	if build, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = build.Main.Version, build.GoVersion
		for _, setting := range build.Settings {
			if setting.Key == "vcs.revision" {
				revision = setting.Value
			}
		}
	}
	return Gauge("onsale_build_info", "What this process is made of.", func(struct{}) int { return 1 },
		"version", cmp.Or(version, "(devel)"), "revision", revision, "goversion", goVersion)
}
