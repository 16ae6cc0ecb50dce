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

	mu              sync.Mutex
	outcomeCounters map[outcomeKey]prometheus.Counter // of outcomes, found without building its labels anew; guarded by telling
}

// outcomeKey is the type of an event, and where that is a refusal the type of its command and the code.
type outcomeKey struct{ name, code string }

// NewMetrics has counted nothing yet.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), outcomeCounters: map[outcomeKey]prometheus.Counter{},
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
	Register(m, func() (struct{}, bool) { return struct{}{}, true }, buildInfo())
	return m
}

// MustRegister adds another package's collectors.
func (m *Metrics) MustRegister(collectors ...prometheus.Collector) { m.registry.MustRegister(collectors...) }

// ObserveConfirmed counts events that are being told.
func (m *Metrics) ObserveConfirmed(events []projections.ConfirmedEvent) {
	now := domain.At(time.Now())
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range events {
		e := &events[i].Event
		m.outcomeCounter(e.Body).Inc()
		if !e.Request.IsZero() {
			m.delay.Observe(max(0, now.Sub(e.Now)).Seconds())
		}
	}
}

func (m *Metrics) outcomeCounter(body domain.Body) prometheus.Counter {
	var key outcomeKey
	switch body := body.(type) {
	case domain.Rejection:
		key = outcomeKey{body.Command, body.Code} // its type is a text made anew each time
	case domain.DeadLetter:
		key.name, _ = body.Type()
		key.code = body.Reason
	default:
		key.name, _ = body.Type()
	}
	counter := m.outcomeCounters[key]
	if counter == nil {
		name, _ := body.Type()
		counter = m.outcomes.WithLabelValues(name, key.code)
		m.outcomeCounters[key] = counter
	}
	return counter
}

// instrument counts the answers of a route and how long each took.
func (m *Metrics) instrument(route string, h handler) handler {
	counted := m.countResponses(route, h)
	latency := sync.OnceValue(func() prometheus.Observer { return m.latency.WithLabelValues(route) })
	return func(w http.ResponseWriter, r *http.Request) error {
		start := time.Now()
		defer func() { latency().Observe(time.Since(start).Seconds()) }()
		if r.Method != http.MethodPost { // a command without error had its way; and its body is read with the server's own w
			w = &statusRecorder{ResponseWriter: w}
		}
		return counted(w, r)
	}
}

// countResponses counts the answers of a route, which is its pattern and never a path. A handler that panics is a 5xx.
func (m *Metrics) countResponses(route string, h handler) handler {
	var classes [6]func() prometheus.Counter
	for i := range classes {
		class := strconv.Itoa(i) + "xx"
		classes[i] = sync.OnceValue(func() prometheus.Counter { return m.requests.WithLabelValues(route, class) })
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		status := http.StatusInternalServerError
		defer func() { classes[status/100%6]().Inc() }()
		err := h(w, r)
		status = http.StatusOK
		if recorder, ok := w.(*statusRecorder); ok {
			status = cmp.Or(recorder.status, status)
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

// countUnrouted counts what finds no route, by the code with which next refuses it.
func (m *Metrics) countUnrouted(code string, next http.Handler) http.Handler {
	counted := m.countResponses("none", func(w http.ResponseWriter, r *http.Request) error {
		next.ServeHTTP(w, r)
		return nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := &statusRecorder{ResponseWriter: w}
		_ = counted(recorder, r)
		if recorder.status == http.StatusBadRequest {
			m.refused.WithLabelValues(invalidID).Inc()
		} else {
			m.refused.WithLabelValues(code).Inc()
		}
	})
}

// statusRecorder sees the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// What a server says of itself at /metrics.

// nodeState is how a server is at one moment.
type nodeState struct {
	projections.Status
	ready, refusingUsers bool
	backlog              int           // commands accepted here and not decided
	oldestAge            time.Duration // of these
}

// logStats is how both logs stood at the last look.
type logStats struct {
	domain.LogState
	age     time.Duration // of that look
	decided uint64        // message of COMMANDS; known now, so it may be ahead of that look
}

// registerMetrics makes s count, and shows how it is. The routes that were not found are set by then, the others come after.
func (s *Server) registerMetrics() {
	m := cmp.Or(s.Metrics, NewMetrics())
	s.Metrics = m
	next := s.Append
	s.Append = func(ctx context.Context, c domain.Command) (uint64, error) {
		sequence, err := next(ctx, c)
		if err == nil {
			m.accepted.Inc()
		}
		return sequence, err
	}
	s.router.NotFound = m.countUnrouted(notFound, s.router.NotFound)
	s.router.MethodNotAllowed = m.countUnrouted(methodNotAllowed, s.router.MethodNotAllowed)

	m.registry.MustRegister(haltInfo{s})
	Register(m, s.snapshot,
		Gauge("onsale_halted", "1 when this node has stopped deciding; why is in onsale_halted_info.", func(s nodeState) int { return boolToInt(s.Halted != "") }),
		Gauge("onsale_ready", "1 when this node should be sent users, as /readyz says.", func(s nodeState) int { return boolToInt(s.ready) }),
		Gauge("onsale_refusing", "1 while users' commands are refused for want of room.", func(s nodeState) int { return boolToInt(s.refusingUsers) }),
		Gauge("onsale_commands_decided_sequence", "Place in line of the last decided command.", func(s nodeState) uint64 { return s.DecidedSequence }),
		Gauge("onsale_backlog_commands", "Commands that this node accepted and has not decided.", func(s nodeState) int { return s.backlog }),
		Gauge("onsale_backlog_oldest_seconds", "Age of the oldest of these.", func(s nodeState) float64 { return s.oldestAge.Seconds() }),
		Gauge("onsale_events_decided", "Number of the last event in the read store.", func(s nodeState) uint64 { return s.Events }),
		Gauge("onsale_events_confirmed", "Number of the last event that may be told.", func(s nodeState) uint64 { return s.Confirmed }),
		Gauge("onsale_outbox_events", "Events decided and not confirmed.", func(s nodeState) uint64 { return s.Events - s.Confirmed }),
	)
	Register(m, s.logSnapshot,
		Gauge("onsale_log_bytes", "Size of a log.", func(l logStats) uint64 { return l.Commands.Bytes }, "log", "commands"),
		Gauge("onsale_log_bytes", "Size of a log.", func(l logStats) uint64 { return l.Events.Bytes }, "log", "events"),
		Gauge("onsale_log_max_bytes", "Size at which a log takes no more.", func(l logStats) uint64 { return l.Commands.MaxBytes }, "log", "commands"),
		Gauge("onsale_log_max_bytes", "Size at which a log takes no more.", func(l logStats) uint64 { return l.Events.MaxBytes }, "log", "events"),
		Gauge("onsale_log_messages", "Messages in a log.", func(l logStats) uint64 { return l.Commands.Messages }, "log", "commands"),
		Gauge("onsale_log_messages", "Messages in a log.", func(l logStats) uint64 { return l.Events.Messages }, "log", "events"),
		Gauge("onsale_log_look_age_seconds", "Time since the last look at the logs.", func(l logStats) float64 { return l.age.Seconds() }),
		Gauge("onsale_backlog_messages", "Messages of COMMANDS, of all nodes, that this node has not decided.", func(l logStats) uint64 {
			return l.Commands.Last - min(l.Commands.Last, l.decided)
		}),
	)
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *Server) snapshot() (nodeState, bool) {
	now := nodeState{Status: s.Projector.Status()}
	now.ready = now.Halted == "" && now.CaughtUp && (s.NotReady == nil || len(s.NotReady()) == 0)
	if s.CapacityProblem != nil {
		code, _ := s.CapacityProblem()
		now.refusingUsers = code != ""
	}
	now.oldestAge = s.inflight.oldestAge(now.Status, s.now())
	s.inflight.mu.Lock()
	now.backlog = len(s.inflight.backlog.commands) - s.inflight.backlog.undecided
	s.inflight.mu.Unlock()
	return now, true
}

func (s *Server) logSnapshot() (logStats, bool) {
	if s.LogState == nil {
		return logStats{}, false
	}
	found, at := s.LogState()
	return logStats{found, s.now().Sub(at), s.Projector.Status().DecidedSequence / domain.SequencesPerMessage}, !at.IsZero()
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
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelError), MaxRequestsInFlight: 4,
	})
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header()["Cache-Control"] = noStore
		h.ServeHTTP(w, r)
		return nil
	}
}

// buildInfo says what this process is made of.
func buildInfo() Metric[struct{}] {
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
