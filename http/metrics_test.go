package http

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/julienschmidt/httprouter"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"onsale/domain"
	"onsale/http/auth"
	"onsale/http/client"
)

// metricFamilies is a scrape.
type metricFamilies map[string]*dto.MetricFamily

func (f *fixture) scrape(t *testing.T) metricFamilies {
	t.Helper()
	response, err := http.Get(f.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	found, err := parser.TextToMetricFamilies(response.Body)
	if err != nil || response.StatusCode != 200 {
		t.Fatal(response.Status, err)
	}
	return found
}

// value is that of the metric with these labels (pairs of name and value), or -1. Of a histogram it is the count.
func (f metricFamilies) value(name string, labels ...string) float64 {
next:
	for _, m := range f[name].GetMetric() {
		have := map[string]string{}
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		for i := 0; i < len(labels); i += 2 {
			if have[labels[i]] != labels[i+1] {
				continue next
			}
		}
		switch f[name].GetType() {
		case dto.MetricType_COUNTER:
			return m.GetCounter().GetValue()
		case dto.MetricType_HISTOGRAM:
			return float64(m.GetHistogram().GetSampleCount())
		}
		return m.GetGauge().GetValue()
	}
	return -1
}

// doRequest sends a request and ignores the response.
func (f *fixture) doRequest(t *testing.T, method, path string, header ...string) {
	t.Helper()
	r, _ := http.NewRequest(method, f.url+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func TestMetrics_CountByRoute(t *testing.T) {
	f := newFixture(t)
	f.LogState = func() (domain.LogState, time.Time) {
		state, _ := f.log.State(t.Context())
		state.Events.Bytes, state.Events.MaxBytes = 70, 100
		return state, time.Now().Add(-3 * time.Second)
	}
	schedule := map[string]any{"scheduleId": "s", "title": "t", "sections": []any{
		map[string]any{"name": "A", "price": 10, "rows": []any{map[string]any{"name": "1", "seats": 4}}},
	}}
	must(f.client("kim").Command(t.Context(), "/api/v1/admin/schedules", schedule, client.Options{}))(t)
	must(f.client("kim").Hold(t.Context(), "s", []int{1, 2}, client.Options{}))(t)
	must(f.client("lee").Hold(t.Context(), "s", []int{2, 3}, client.Options{}))(t) // rejected by the rules
	f.doRequest(t, "POST", "/api/v1/schedules/s/seats/hold")                       // 401
	f.doRequest(t, "GET", "/api/v1/schedules/none")
	f.doRequest(t, "GET", "/nowhere")
	f.doRequest(t, "PUT", "/healthz")
	f.doRequest(t, "BREW", "/healthz")
	f.doRequest(t, "GET", "/app.js", "If-None-Match", "*")
	f.doRequest(t, "GET", "/subscribe/kim")

	got := f.scrape(t)
	hold := "/api/v1/schedules/:scheduleId/seats/hold"
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{3, "onsale_commands_accepted_total", nil},
		{0, "onsale_backlog_commands", nil},
		{0, "onsale_backlog_oldest_seconds", nil},
		{3, "onsale_log_messages", []string{"log", "commands"}},
		{70, "onsale_log_bytes", []string{"log", "events"}},
		{100, "onsale_log_max_bytes", []string{"log", "events"}},
		{1, "onsale_ready", nil},
		{0, "onsale_refusing", nil},
		{1, "onsale_build_info", nil},
		{1, "onsale_http_requests_total", []string{"method", "POST", "route", hold, "class", "2xx"}},
		{2, "onsale_http_requests_total", []string{"route", hold, "class", "4xx"}},
		{3, "onsale_http_request_duration_seconds", []string{"method", "POST", "route", hold}},
		{1, "onsale_http_requests_total", []string{"route", "/api/v1/schedules/:scheduleId", "class", "4xx"}},
		{1, "onsale_http_requests_total", []string{"method", "GET", "route", "/app.js", "class", "3xx"}},
		{1, "onsale_http_requests_total", []string{"method", "GET", "route", unrouted, "class", "4xx"}},
		{1, "onsale_http_requests_total", []string{"method", "PUT", "route", unrouted, "class", "4xx"}},
		{1, "onsale_http_requests_total", []string{"method", "other", "route", unrouted, "class", "4xx"}},
		{1, "onsale_http_requests_total", []string{"route", "/subscribe/:userId", "class", "2xx"}},
		{-1, "onsale_http_request_duration_seconds", []string{"route", "/subscribe/:userId"}},
		{1, "onsale_refused_total", []string{"code", unauthenticated}},
		{1, "onsale_refused_total", []string{"code", domain.ScheduleNotFound}},
		{1, "onsale_refused_total", []string{"code", notFound}},
		{2, "onsale_refused_total", []string{"code", methodNotAllowed}},
		{-1, "onsale_refused_total", []string{"code", domain.SeatUnavailable}},
	} {
		if value := got.value(c.name, c.labels...); value != c.want {
			t.Errorf("%s %v: got %v, want %v", c.name, c.labels, value, c.want)
		}
	}
	if age := got.value("onsale_log_state_age_seconds"); age < 3 || age > 60 {
		t.Errorf("the state is %v s old", age)
	}
	if got["go_goroutines"] == nil || got["process_cpu_seconds_total"] == nil {
		t.Error("no metrics of the process")
	}
}

func TestMetrics_MeasureBacklog(t *testing.T) {
	f := newFixture(t)
	f.log.update(func() { f.log.deliveryPaused = true })
	f.doRequest(t, "POST", "/api/v1/promotions/p/coupons", "X-User-Id", "kim")
	f.clockOffset.Store(int64(time.Hour))
	got := f.scrape(t)
	if n, age := got.value("onsale_backlog_commands"), got.value("onsale_backlog_oldest_seconds"); n != 1 || age < 3600 {
		t.Errorf("got %v commands, the oldest of %v s", n, age)
	}
	if got.value("onsale_log_messages") != -1 {
		t.Error("the state of the logs is unknown, and shown")
	}
}

func TestMetrics_ReportNotReady(t *testing.T) {
	f := newFixture(t)
	f.projector.halt("the chain is broken at event 7")
	f.capacityProblem.Store(&[2]string{logFull, "COMMANDS is 95 % full"})
	f.doRequest(t, "GET", "/readyz")
	f.doRequest(t, "GET", "/api/v1/promotions")
	got := f.scrape(t)
	if got.value("onsale_ready") != 0 || got.value("onsale_refusing") != 1 || got.value("onsale_refused_total", "code", halted) != 1 ||
		got.value("onsale_http_requests_total", "method", "GET", "route", "/readyz", "class", "5xx") != 1 {
		t.Errorf("got %v", got)
	}
}

func TestMetrics_CountPanicAs5xx(t *testing.T) {
	s := stubServer(nil)
	s.get("/x", everyone, func(http.ResponseWriter, *http.Request, auth.Identity) error { panic("broken") })
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
	if n := testutil.ToFloat64(s.metrics.requests.WithLabelValues("GET", "/x", "5xx")); n != 1 || w.Code != 500 {
		t.Errorf("got %v, %d", n, w.Code)
	}
}

// Names, units and help follow Prometheus' conventions.
func TestMetrics_PassLint(t *testing.T) {
	f := newFixture(t)
	f.LogState = func() (domain.LogState, time.Time) { return domain.LogState{}, time.Now() }
	f.projector.halt("why")
	f.doRequest(t, "GET", "/nowhere")
	f.doRequest(t, "GET", "/healthz")
	problems, err := testutil.GatherAndLint(f.Registry)
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if err != nil {
		t.Error(err)
	}
	got := f.scrape(t)
	for name, family := range got {
		if family.GetHelp() == "" || family.GetType() == dto.MetricType_UNTYPED && !strings.HasPrefix(name, "go_") {
			t.Errorf("%s: %s, help %q", name, family.GetType(), family.GetHelp())
		}
		if strings.HasSuffix(name, "_total") != (family.GetType() == dto.MetricType_COUNTER) {
			t.Errorf("%s is a %s", name, family.GetType())
		}
	}
}

// BenchmarkMetrics_Route is what measuring adds to a command.
func BenchmarkMetrics_Route(b *testing.B) {
	observe := newMetrics().route("POST", "/x")
	b.ReportAllocs()
	for b.Loop() {
		observe(http.StatusAccepted, time.Millisecond)
	}
}

// slowGatherer takes its time, and counts.
type slowGatherer struct {
	took     time.Duration
	gathered atomic.Int64
}

func (g *slowGatherer) Gather() ([]*dto.MetricFamily, error) {
	time.Sleep(g.took)
	g.gathered.Add(1)
	return nil, nil
}

// Scrapes at the same time share what is collected, which is never from before they came.
func TestMetrics_CollectOnceForAll(t *testing.T) {
	slow := &slowGatherer{took: 100 * time.Millisecond}
	g := sharedGatherer{from: slow}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { _, _ = g.Gather() })
	}
	group.Wait()
	if n := slow.gathered.Load(); n < 1 || n > 10 {
		t.Errorf("50 scrapes at a time collected %d times", n)
	}
	before := slow.gathered.Load()
	_, _ = g.Gather()
	_, _ = g.Gather()
	if n := slow.gathered.Load() - before; n != 2 {
		t.Errorf("two scrapes, one after the other, collected %d times", n)
	}
}

// Clients that do not read their scrapes refuse others none, and write no line to the log.
func TestMetrics_SurviveUnreadScrapes(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	log := &lineBuffer{}
	f.Logger = slog.New(slog.NewTextHandler(log, nil))
	f.router = httprouter.New()
	f.routes()
	f.unread.timeout = 200 * time.Millisecond
	address := serveUnread(t, f)
	c := dialUnreading(t, address)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	const scrapes = 20
	reset := 0
	for stream := range uint32(scrapes) {
		if err := c.request(2*stream+1, "GET", "/metrics"); err != nil {
			t.Fatal(err)
		}
	}
	response, err := client.Get("https://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("another scrape: got %s %v", response.Status, err)
	}
	for reset < scrapes {
		if _, what := c.next(t); what == "reset" {
			reset++
		}
	}
	if lines := log.lines(); len(lines) > 0 {
		t.Errorf("logged %q", lines)
	}
}
