// Metrics of the API, at /metrics. Counters are updated where something happens; state is read at each scrape, and only
// from memory: log sizes are those of the last check, so a scrape is quick also while the log does not respond.

package http

import (
	"bytes"
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"onsale/domain"
	"onsale/http/auth"
)

// metrics are the counters of one Server.
type metrics struct {
	accepted prometheus.Counter
	refused  *prometheus.CounterVec   // by code
	requests *prometheus.CounterVec   // by method, route and class of status
	latency  *prometheus.HistogramVec // by method and route
}

func newMetrics() *metrics {
	return &metrics{
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "onsale_commands_accepted_total", Help: "Commands that this node appended to COMMANDS.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onsale_refused_total", Help: "Requests refused before anything was appended, by code. Commands rejected by the rules are in onsale_events_total.",
		}, []string{"code"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onsale_http_requests_total", Help: "Responses by method, route and class of status; streams when they end.",
		}, []string{"method", "route", "class"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "onsale_http_request_duration_seconds", Help: "Time until the response was written, including what the client asked to wait for; without streams.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30},
		}, []string{"method", "route"}),
	}
}

// unrouted is the route label of requests that match no route.
const unrouted = "none"

// route counts the responses of a route, which is a pattern and never a path; d is observed unless it is 0.
func (m *metrics) route(method, pattern string) func(status int, d time.Duration) {
	var classes [6]func() prometheus.Counter
	for i := range classes {
		classes[i] = sync.OnceValue(func() prometheus.Counter { return m.requests.WithLabelValues(method, pattern, strconv.Itoa(i)+"xx") })
	}
	latency := sync.OnceValue(func() prometheus.Observer { return m.latency.WithLabelValues(method, pattern) })
	return func(status int, d time.Duration) {
		classes[status/100%6]().Inc()
		if d > 0 {
			latency().Observe(d.Seconds())
		}
	}
}

// countUnrouted counts a response to a request that matches no route.
func (m *metrics) countUnrouted(method string, status int) {
	m.requests.WithLabelValues(methodLabel(method), unrouted, strconv.Itoa(status/100)+"xx").Inc()
}

// methodLabel is the method; those that clients invent share one label.
func methodLabel(method string) string {
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, method) {
		return "other"
	}
	return method
}

// statusRecorder remembers the status of a response.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// registerMetrics adds everything that this package knows to the registry.
func (s *Server) registerMetrics() {
	m := s.metrics
	s.Registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(),
		m.accepted, m.refused, m.requests, m.latency, stateCollector{s},
	)
}

// serveMetrics returns the handler of GET /metrics. Metrics that cannot be collected are left out and logged.
func (s *Server) serveMetrics() handler {
	h := promhttp.HandlerFor(&sharedGatherer{from: s.Registry}, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelError),
	})
	return func(w http.ResponseWriter, r *http.Request, _ auth.Identity) error {
		buffer := &responseBuffer{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(buffer, r) // whose writes cannot fail: each would be a line in the log
		if buffer.status != http.StatusOK {
			return problemf(domain.Internal, "")
		}
		maps.Copy(w.Header(), buffer.header)
		w.Header()["Cache-Control"] = noStore
		send(w, http.StatusOK, buffer.header["Content-Type"], buffer.body.Bytes())
		return nil
	}
}

// sharedGatherer collects once for all scrapes that came meanwhile, and not more often than gatherInterval: scrapes are public,
// and must neither cost much nor refuse each other.
type sharedGatherer struct {
	from    prometheus.Gatherer
	mu      sync.Mutex
	started time.Time // when results were collected
	results []*dto.MetricFamily
	err     error
}

const gatherInterval = 20 * time.Millisecond

func (g *sharedGatherer) Gather() ([]*dto.MetricFamily, error) {
	arrived := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.started.Before(arrived) { // it may lack what happened before this scrape
		time.Sleep(time.Until(g.started.Add(gatherInterval)))
		g.started = time.Now()
		g.results, g.err = g.from.Gather()
	}
	return g.results, g.err
}

// responseBuffer is a response in memory.
type responseBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *responseBuffer) Header() http.Header         { return b.header }
func (b *responseBuffer) WriteHeader(status int)      { b.status = status }
func (b *responseBuffer) Write(p []byte) (int, error) { return b.body.Write(p) }

// buildInfo is a constant metric with the versions of this program.
func buildInfo() prometheus.Collector {
	labels := prometheus.Labels{"version": "(devel)", "revision": "", "goversion": ""}
	if build, ok := debug.ReadBuildInfo(); ok {
		labels["version"], labels["goversion"] = cmp.Or(build.Main.Version, "(devel)"), build.GoVersion
		for _, setting := range build.Settings {
			if setting.Key == "vcs.revision" {
				labels["revision"] = setting.Value
			}
		}
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "onsale_build_info", Help: "The build of this process.", ConstLabels: labels})
	info.Set(1)
	return info
}

// stateCollector reads the state of a server at each scrape.
type stateCollector struct{ s *Server }

var (
	readyDesc         = prometheus.NewDesc("onsale_ready", "1 while this node should receive traffic, as /readyz says.", nil, nil)
	refusingDesc      = prometheus.NewDesc("onsale_refusing", "1 while users' commands are refused for lack of capacity.", nil, nil)
	backlogDesc       = prometheus.NewDesc("onsale_backlog_commands", "Commands that this node appended and whose outcome is not confirmed.", nil, nil)
	backlogAgeDesc    = prometheus.NewDesc("onsale_backlog_oldest_seconds", "Age of the oldest of these commands.", nil, nil)
	logBytesDesc      = prometheus.NewDesc("onsale_log_bytes", "Size of a log.", []string{"log"}, nil)
	logMaxBytesDesc   = prometheus.NewDesc("onsale_log_max_bytes", "Size at which a log accepts no more messages.", []string{"log"}, nil)
	logMessagesDesc   = prometheus.NewDesc("onsale_log_messages", "Messages in a log.", []string{"log"}, nil)
	logStateAgeDesc   = prometheus.NewDesc("onsale_log_state_age_seconds", "Time since the state of the logs was read.", nil, nil)
	connectionsDesc   = prometheus.NewDesc("onsale_http_connections", "Open connections, with those of streams.", nil, nil)
	closedDesc        = prometheus.NewDesc("onsale_http_connections_closed_total", "Connections closed because there were too many: those that were slow to send their first request and idle ones, for a new one, and those of an address above its limit.", []string{"reason"}, nil)
	stateDescriptions = []*prometheus.Desc{
		connectionsDesc, closedDesc, readyDesc, refusingDesc, backlogDesc, backlogAgeDesc, logBytesDesc, logMaxBytesDesc, logMessagesDesc, logStateAgeDesc,
	}
)

func (c stateCollector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range stateDescriptions {
		out <- desc
	}
}

func (c stateCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	s, status := c.s, c.s.Projector.Status()
	gauge(readyDesc, boolToFloat(len(s.notReadyReasons(status)) == 0))
	refusing := false
	if s.CapacityProblem != nil {
		code, _ := s.CapacityProblem()
		refusing = code != ""
	}
	gauge(refusingDesc, boolToFloat(refusing))
	unconfirmed, oldest := s.inflight.unconfirmed(status, s.now())
	gauge(backlogDesc, float64(unconfirmed))
	gauge(backlogAgeDesc, oldest.Seconds())

	open, closed := s.connections.counts()
	gauge(connectionsDesc, float64(open))
	out <- prometheus.MustNewConstMetric(closedDesc, prometheus.CounterValue, float64(closed.idle), "idle")
	out <- prometheus.MustNewConstMetric(closedDesc, prometheus.CounterValue, float64(closed.slow), "slow")
	out <- prometheus.MustNewConstMetric(closedDesc, prometheus.CounterValue, float64(closed.refused), "address")

	if s.LogState == nil {
		return
	}
	state, at := s.LogState()
	if at.IsZero() {
		return
	}
	gauge(logStateAgeDesc, s.now().Sub(at).Seconds())
	for name, log := range map[string]domain.StreamState{"commands": state.Commands, "events": state.Events} {
		gauge(logBytesDesc, float64(log.Bytes), name)
		gauge(logMaxBytesDesc, float64(log.MaxBytes), name)
		gauge(logMessagesDesc, float64(log.Messages), name)
	}
}

func boolToFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
