package browser

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// flakyProxy is between a browser and a node: it counts streams, and breaks connections as networks do.
type flakyProxy struct {
	*httptest.Server
	tb   testing.TB
	node string

	mu               sync.Mutex // guards what follows
	open, opened     int        // streams
	streamFault      string     // of new streams: "refuse" is 502
	mutedUpTo        int        // streams up to this number forward nothing
	stalled          <-chan struct{}
	cancels          map[int]context.CancelFunc
	commandKeys      []string // idempotency keys of all commands
	droppedResponses int      // so many commands lose their response; the last of them is not forwarded and gets 503
}

func newFlakyProxy(tb testing.TB, node string) *flakyProxy {
	tb.Helper()
	g := &flakyProxy{tb: tb, node: node, cancels: map[int]context.CancelFunc{}}
	target, err := url.Parse(node)
	if err != nil {
		tb.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			_ = c.(*net.TCPConn).SetReadBuffer(32 << 10) // so that the node soon notices a stall
		}
		return c, err
	}
	proxy := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1, ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/subscribe/") || strings.HasSuffix(r.URL.Path, "/events"):
			g.serveStream(w, r, proxy)
		case r.Method == http.MethodPost:
			g.serveCommand(w, r, proxy)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	tb.Cleanup(func() {
		g.cutStreams()
		transport.CloseIdleConnections()
		g.CloseClientConnections()
		g.Close()
	})
	return g
}

func (g *flakyProxy) serveStream(w http.ResponseWriter, r *http.Request, next http.Handler) {
	g.mu.Lock()
	if g.streamFault == "refuse" {
		g.mu.Unlock()
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	g.open++
	g.opened++
	number := g.opened
	g.cancels[number] = cancel
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.open--
		delete(g.cancels, number)
	}()
	next.ServeHTTP(&proxyWriter{w, g, number}, r.WithContext(ctx))
}

// proxyWriter drops what muted streams send, and blocks while streams are stalled.
type proxyWriter struct {
	http.ResponseWriter
	proxy  *flakyProxy
	number int
}

func (w *proxyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *proxyWriter) Write(b []byte) (int, error) {
	w.proxy.mu.Lock()
	silent, stalled := w.number <= w.proxy.mutedUpTo, w.proxy.stalled
	w.proxy.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
	if silent {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (g *flakyProxy) serveCommand(w http.ResponseWriter, r *http.Request, next http.Handler) {
	g.mu.Lock()
	g.commandKeys = append(g.commandKeys, r.Header.Get("Idempotency-Key"))
	left := g.droppedResponses
	g.droppedResponses = max(0, left-1)
	g.mu.Unlock()
	switch left {
	case 0:
		next.ServeHTTP(w, r)
	case 1:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		next.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // before the first byte Chromium would retry by itself
		panic(http.ErrAbortHandler)
	}
}

// muteStreams keeps the open streams open and forwards nothing more.
func (g *flakyProxy) muteStreams() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mutedUpTo = g.opened
}

// stallStreams makes streams read nothing until resume is called.
func (g *flakyProxy) stallStreams() (resume func()) {
	stalled := make(chan struct{})
	resume = sync.OnceFunc(func() { close(stalled) })
	g.tb.Cleanup(resume)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stalled = stalled
	return resume
}

// cutStreams cuts all streams.
func (g *flakyProxy) cutStreams() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, cancel := range g.cancels {
		cancel()
	}
}

func (g *flakyProxy) setStreamFault(fault string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.streamFault = fault
}

func (g *flakyProxy) dropResponses(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.droppedResponses = n
}

func (g *flakyProxy) keys() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.commandKeys)
}

// waitFor waits until cond holds, which is called with the lock held.
func (g *flakyProxy) waitFor(what string, cond func() bool) {
	g.tb.Helper()
	for end := time.Now().Add(waitTimeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		g.mu.Lock()
		ok := cond()
		g.mu.Unlock()
		if ok {
			return
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tb.Fatalf("timeout: %s; %d streams are open, %d were opened", what, g.open, g.opened)
}
