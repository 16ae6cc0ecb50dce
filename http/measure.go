// What a server says of itself at /metrics.
package http

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"onsale/domain"
	"onsale/projections"
)

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
