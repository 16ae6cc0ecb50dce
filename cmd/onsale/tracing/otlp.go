// Sending spans by OTLP over HTTP. OpenTelemetry's own client for it also contains gRPC, which is seven times this package's
// dependencies; the request is one POST.

package tracing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// client is an otlptrace.Client. Spans that cannot be sent are dropped; a warning says so at most once a minute.
type client struct {
	url      string
	http     http.Client
	logger   *slog.Logger
	warnedAt atomic.Int64 // seconds since 1970
}

func newClient(url string, logger *slog.Logger) *client {
	return &client{url: url, http: http.Client{Timeout: 10 * time.Second}, logger: logger}
}

func (c *client) Start(context.Context) error { return nil }
func (c *client) Stop(context.Context) error  { c.http.CloseIdleConnections(); return nil }

func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	err := c.upload(ctx, spans)
	now, last := time.Now().Unix(), c.warnedAt.Load()
	if err != nil && now >= last+60 && c.warnedAt.CompareAndSwap(last, now) {
		c.logger.Warn("traces could not be sent", "error", err)
	}
	return nil
}

func (c *client) upload(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans}) // the same bytes as an ExportTraceServiceRequest
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	response, err := c.http.Do(r)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err // without the URL, which may have a password
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answered %s", response.Status)
	}
	return nil
}
