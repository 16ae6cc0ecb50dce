// Tracing of a node: what its parts call when it is on.

package node

import (
	"context"
	"net/http"
	"time"

	"onsale/cmd/onsale/tracing"
	"onsale/domain"
	"onsale/http/sse"
	"onsale/projections"
)

// tracerTimeout bounds how long the end of a node waits for the collector of its last traces.
const tracerTimeout = 2 * time.Second

func (n *Node) openTracer(ctx context.Context) (err error) {
	if c := n.config.Tracing; c.OTLP != "" {
		n.tracer, err = tracing.New(ctx, c.OTLP, c.Sample, n.config.Node, n.logger)
	}
	return err
}

func (n *Node) closeTracer() {
	if n.tracer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tracerTimeout)
	defer cancel()
	if err := n.tracer.Close(ctx); err != nil {
		n.logger.Warn("the last traces were not sent", "error", err)
	}
}

// traceHooks are the functions that the path of a command calls. Without a tracer only the first two do something; the others
// are nil, and are not called.
type traceHooks struct {
	append  appendFunc
	deliver func([]projections.ConfirmedEvent)
	decided func(e *domain.Event, started time.Time)
	stream  func(event uint64) func(sse.TopicKind)
	request func(r *http.Request, route string) (context.Context, func(status int))
}

func (n *Node) traceHooks(appendCommand appendFunc) traceHooks {
	t := n.tracer
	if t == nil {
		return traceHooks{append: appendCommand, deliver: func(events []projections.ConfirmedEvent) { n.hub.Deliver(events) }}
	}
	return traceHooks{
		append:  t.Append(appendCommand),
		deliver: func(events []projections.ConfirmedEvent) { t.Deliver(events, n.hub.Deliver) },
		decided: t.Decided, stream: t.Stream, request: t.Request,
	}
}
