// Package tracing makes OpenTelemetry traces of commands: the request, the append to COMMANDS, the decision, the publishing to
// EVENTS, the delivery, and the first write to a stream of each kind. The other packages know nothing of it: they call functions
// that the node sets when tracing is on. Between the processes a trace travels in the messages of the log.
//
// All that is kept of a trace in this process are two short queues, since the log is decided and confirmed in order: commands
// that are delivered and not decided, and events that are decided and not confirmed.
package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"onsale/domain"
	"onsale/http/sse"
	"onsale/projections"
	"onsale/streams"
)

// maxQueued bounds each queue. What does not fit is not traced any further.
const maxQueued = 4096

// Tracer makes the spans of one node.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer

	mu       sync.Mutex
	commands []tracedCommand // by sequence
	events   []*tracedEvent  // by number
}

type tracedCommand struct {
	sequence uint64
	parent   trace.SpanContext // its append
}

type tracedEvent struct {
	number           uint64
	publish, deliver trace.Span
	ctx              context.Context // of deliver
}

// New returns a tracer that sends the share sample of all traces to the collector at url. node is where the spans come from.
func New(ctx context.Context, url string, sample float64, node string, logger *slog.Logger) (*Tracer, error) {
	exporter, err := otlptrace.New(ctx, newClient(url, logger))
	if err != nil {
		return nil, err
	}
	version := ""
	if build, ok := debug.ReadBuildInfo(); ok {
		version = build.Main.Version
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(sample))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "onsale"), attribute.String("service.instance.id", node), attribute.String("service.version", version),
		)),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("onsale")}, nil
}

// Close sends what is left, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Request begins the span of a request, below that of the client if it has a traceparent.
func (t *Tracer) Request(r *http.Request, route string) (ctx context.Context, end func(status int)) {
	ctx = propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(ctx, r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", route)))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Append wraps an append of commands with a span.
func (t *Tracer) Append(appendCommand func(context.Context, domain.Command) (uint64, error)) func(context.Context, domain.Command) (uint64, error) {
	return func(ctx context.Context, c domain.Command) (uint64, error) {
		ctx, span := t.tracer.Start(ctx, "append COMMANDS", trace.WithSpanKind(trace.SpanKindProducer))
		defer span.End()
		sequence, err := appendCommand(ctx, c)
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		} else if span.IsRecording() {
			name, _ := c.Body.Type()
			span.SetAttributes(attribute.String("onsale.command", name), attribute.Int64("onsale.sequence", int64(sequence)))
		}
		return sequence, err
	}
}

// Streams connects the log.
func (t *Tracer) Streams() *streams.Tracing {
	return &streams.Tracing{
		ParentOf:      func(ctx context.Context) string { return parentOf(trace.SpanContextFromContext(ctx)) },
		OnCommand:     t.commandDelivered,
		ParentOfEvent: t.parentOfEvent,
	}
}

func (t *Tracer) commandDelivered(sequence uint64, parent string) {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": parent})
	span := trace.SpanContextFromContext(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	again := len(t.commands) > 0 && t.commands[len(t.commands)-1].sequence >= sequence
	if span.IsSampled() && !again && len(t.commands) < maxQueued {
		t.commands = append(t.commands, tracedCommand{sequence, span})
	}
}

// Decided records the decision that led to e, and begins the publishing of it.
func (t *Tracer) Decided(e *domain.Event, started time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.commands) > 0 && t.commands[0].sequence < e.Sequence { // it has all its events, or repeated another request
		t.commands = t.commands[1:]
	}
	if len(t.commands) == 0 || t.commands[0].sequence != e.Sequence || len(t.events) >= maxQueued {
		return
	}
	name, _ := e.Body.Type()
	about := trace.WithAttributes(attribute.String("onsale.event", name), attribute.Int64("onsale.sequence", int64(e.Sequence)),
		attribute.Int64("onsale.event_number", int64(e.Number)))
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), t.commands[0].parent)
	ctx, decide := t.tracer.Start(ctx, "decide", trace.WithTimestamp(started), trace.WithSpanKind(trace.SpanKindConsumer), about)
	decide.End()
	_, publish := t.tracer.Start(ctx, "publish EVENTS", trace.WithSpanKind(trace.SpanKindProducer), about)
	t.events = append(t.events, &tracedEvent{number: e.Number, publish: publish})
}

// find is the traced event of a number, or nil, under the lock.
func (t *Tracer) find(number uint64) *tracedEvent {
	i, found := slices.BinarySearchFunc(t.events, number, func(e *tracedEvent, n uint64) int { return int(int64(e.number - n)) })
	if !found {
		return nil
	}
	return t.events[i]
}

func (t *Tracer) parentOfEvent(number uint64) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.find(number); e != nil {
		return parentOf(e.publish.SpanContext())
	}
	return ""
}

// Deliver calls deliver, between the end of the publishing of events and that of their delivery.
func (t *Tracer) Deliver(events []projections.ConfirmedEvent, deliver func([]projections.ConfirmedEvent)) {
	last := events[len(events)-1].Number
	t.mu.Lock()
	n := 0
	for ; n < len(t.events) && t.events[n].number <= last; n++ {
		e := t.events[n]
		e.publish.End()
		e.ctx, e.deliver = t.tracer.Start(trace.ContextWithSpan(context.Background(), e.publish), "deliver")
	}
	t.mu.Unlock()
	deliver(events)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.events[:n] {
		e.deliver.End()
	}
	t.events = slices.Delete(t.events, 0, n)
}

// Stream returns what the hub calls when the frames of an event have gone out, during its delivery. The first stream of each
// kind has a span; thousands may follow.
func (t *Tracer) Stream(number uint64) func(sse.TopicKind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.find(number)
	if e == nil || e.ctx == nil {
		return nil
	}
	ctx, started := e.ctx, time.Now()
	var kinds atomic.Uint32
	return func(kind sse.TopicKind) {
		bit := uint32(1) << kind
		if kinds.Load()&bit != 0 || kinds.Or(bit)&bit != 0 {
			return
		}
		_, span := t.tracer.Start(ctx, "write SSE", trace.WithTimestamp(started), trace.WithAttributes(attribute.String("onsale.stream", kind.String())))
		span.End()
	}
}

// parentOf is the traceparent of a span; "" unless it is sampled.
func parentOf(span trace.SpanContext) string {
	if !span.IsSampled() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), span), carrier)
	return carrier["traceparent"]
}
