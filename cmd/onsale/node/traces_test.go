package node_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/streams/streamtest"
)

// collector receives spans by OTLP over HTTP.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span
	texts []string // resources and spans, as text
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var data tracepb.TracesData
		if err == nil {
			err = proto.Unmarshal(body, &data)
		}
		if err != nil || r.Method != "POST" || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("the collector got %s %s %v: %v", r.Method, r.URL, r.Header, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range data.ResourceSpans {
			c.texts = append(c.texts, resource.String())
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// byName requires one span of each name, and no others.
func (c *collector) byName(t *testing.T, names ...string) map[string]*tracepb.Span {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	spans, got := map[string]*tracepb.Span{}, []string{}
	for _, span := range c.spans {
		spans[span.Name], got = span, append(got, span.Name)
	}
	slices.Sort(got)
	slices.Sort(names)
	if !slices.Equal(got, names) {
		t.Fatalf("got spans %q, want %q", got, names)
	}
	return spans
}

const traceID, clientSpan = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

// One command makes one trace, from the request through both logs to the socket, with the embedded server and with another. A
// request that is not sampled makes none.
func TestTraces_FollowCommand(t *testing.T) {
	t.Parallel()
	for _, external := range []bool{false, true} {
		t.Run(map[bool]string{false: "embedded", true: "external"}[external], func(t *testing.T) {
			t.Parallel()
			ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
			collector := newCollector(t)
			at := harness.NewNode(t, "--demo", "--streams-drain-window", "0s", "--tracing-otlp", collector.URL+"/v1/traces", "--tracing-sample", "0")
			if external {
				at.NATS = streamtest.Cluster(t, 1).URLs[0]
				at.Args = append(at.Args, "--nats-url", at.NATS, "--nats-replicas", "1", "--log-commands-max-bytes", "64MiB", "--log-events-max-bytes", "64MiB")
			}
			stop := start(t, at)
			r, _ := http.NewRequestWithContext(ctx, "GET", at.URL()+"/subscribe/kim", nil)
			response, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			at.IssueCoupons(ctx, client, "lee")
			at.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", "kim",
				"Traceparent", "00-"+traceID+"-"+clientSpan+"-01")
			for lines := bufio.NewScanner(response.Body); ; {
				if !lines.Scan() {
					t.Fatal("the stream ended: ", lines.Err())
				}
				if lines.Text() == "event: issue-complete" {
					break
				}
			}
			stop()
			const request = "POST /api/v1/promotions/:promotionId/coupons"
			spans := collector.byName(t, request, "append COMMANDS", "decide", "publish EVENTS", "deliver", "write SSE")
			for child, parent := range map[string]string{
				"append COMMANDS": request, "decide": "append COMMANDS", "publish EVENTS": "decide", "deliver": "publish EVENTS", "write SSE": "deliver",
			} {
				if s, p := spans[child], spans[parent]; string(s.ParentSpanId) != string(p.SpanId) || s.EndTimeUnixNano < s.StartTimeUnixNano {
					t.Errorf("%s has parent %x, want %s, %x; from %d to %d", child, s.ParentSpanId, parent, p.SpanId, s.StartTimeUnixNano, s.EndTimeUnixNano)
				}
			}
			checkTraceIDs(t, spans, spans[request])
			if text := strings.Join(collector.texts, "\n"); strings.Contains(text, "kim") || !strings.Contains(text, "box-1") || !strings.Contains(text, "coupons.issued") {
				t.Errorf("the spans must name the node and the event, and no user: %s", text)
			}
			if external {
				checkTraceHeaders(t, at.NATS, spans)
			}
			at.MustAudit()
		})
	}
}

func checkTraceIDs(t *testing.T, spans map[string]*tracepb.Span, request *tracepb.Span) {
	t.Helper()
	for name, span := range spans {
		if got := hexOf(span.TraceId); got != traceID {
			t.Errorf("%s is in trace %s, want the client's", name, got)
		}
	}
	if got := hexOf(request.ParentSpanId); got != clientSpan {
		t.Errorf("the request has parent %s, want the client's span", got)
	}
}

// checkTraceHeaders looks at the last message of each log: the trace is in onsale's header, and not in the one that nats-server
// acts on.
func checkTraceHeaders(t *testing.T, url string, spans map[string]*tracepb.Span) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for stream, want := range map[string]string{
		"COMMANDS": "0=00-" + traceID + "-" + hexOf(spans["append COMMANDS"].SpanId) + "-01",
		"EVENTS":   "00-" + traceID + "-" + hexOf(spans["publish EVENTS"].SpanId) + "-01",
	} {
		s, err := js.Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for number := uint64(1); number <= s.CachedInfo().State.LastSeq; number++ {
			m, err := s.GetMsg(t.Context(), number)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Header["Traceparent"])+len(m.Header["traceparent"]) > 0 {
				t.Errorf("%s %d has traceparent: %v", stream, number, m.Header)
			}
			if got := m.Header.Get("Onsale-Trace"); got == want {
				count++
			} else if got != "" {
				t.Errorf("%s %d has %q, want %q or none", stream, number, got, want)
			}
		}
		if count != 1 {
			t.Errorf("%s has %d messages with %q, want 1", stream, count, want)
		}
	}
}

func hexOf(b []byte) string { return fmt.Sprintf("%x", b) }

// Without its collector a node works, says so once, and ends in time.
func TestTraces_NeedNoCollector(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	at := harness.NewNode(t, "--demo", "--streams-drain-window", "0s", "--tracing-otlp", "http://s3cret:s3cret@"+harness.FreeAddress(t), "--tracing-sample", "1")
	process := at.StartDemo()
	at.IssueCoupons(ctx, client, "u1", "u2")
	process.Terminate(t)
	if log := process.Stderr(); strings.Count(log, "traces could not be sent") != 1 || strings.Contains(log, "s3cret") {
		t.Errorf("want one warning, without the password:\n%s", log)
	}
}
