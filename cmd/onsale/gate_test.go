// The line between a browser and a node.

package main

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

// gate stands between a browser and a node, counts streams, and breaks them in the ways of networks.
type gate struct {
	*httptest.Server
	tb   testing.TB
	node string

	mu           sync.Mutex // guards what follows
	open, opened int        // streams
	fate         string     // what meets a new stream: "refuse" is 502
	silent       int        // streams up to this number give nothing any more
	stalled      <-chan struct{}
	cuts         map[int]context.CancelFunc
	asked        []string // the keys of commands
	swallowed    int      // the answers to so many commands break off, but the last one does not arrive and is told 503
}

func newGate(tb testing.TB, node string) *gate {
	tb.Helper()
	g := &gate{tb: tb, node: node, cuts: map[int]context.CancelFunc{}}
	to, err := url.Parse(node)
	if err != nil {
		tb.Fatal(err)
	}
	small := http.DefaultTransport.(*http.Transport).Clone()
	small.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			_ = c.(*net.TCPConn).SetReadBuffer(32 << 10) // that nobody reads is soon felt by the node
		}
		return c, err
	}
	proxy := &httputil.ReverseProxy{
		Transport:     small,
		FlushInterval: -1, ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/subscribe/") || strings.HasSuffix(r.URL.Path, "/events"):
			g.stream(w, r, proxy)
		case r.Method == http.MethodPost:
			g.command(w, r, proxy)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	tb.Cleanup(func() {
		g.cut()
		small.CloseIdleConnections()
		g.CloseClientConnections()
		g.Close()
	})
	return g
}

func (g *gate) stream(w http.ResponseWriter, r *http.Request, on http.Handler) {
	g.mu.Lock()
	if g.fate == "refuse" {
		g.mu.Unlock()
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	ctx, cut := context.WithCancel(r.Context())
	defer cut()
	g.open++
	g.opened++
	number := g.opened
	g.cuts[number] = cut
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.open--
		delete(g.cuts, number)
	}()
	on.ServeHTTP(&gatedWriter{w, g, number}, r.WithContext(ctx))
}

// gatedWriter keeps to itself what a silenced stream says, and takes nothing while streams stall.
type gatedWriter struct {
	http.ResponseWriter
	gate   *gate
	number int
}

func (w *gatedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *gatedWriter) Write(b []byte) (int, error) {
	w.gate.mu.Lock()
	silent, stalled := w.number <= w.gate.silent, w.gate.stalled
	w.gate.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
	if silent {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (g *gate) command(w http.ResponseWriter, r *http.Request, on http.Handler) {
	g.mu.Lock()
	g.asked = append(g.asked, r.Header.Get("Idempotency-Key"))
	left := g.swallowed
	g.swallowed = max(0, left-1)
	g.mu.Unlock()
	switch left {
	case 0:
		on.ServeHTTP(w, r)
	case 1:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		on.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // before the first byte Chromium would ask again by itself
		panic(http.ErrAbortHandler)
	}
}

// silence lets the streams that are open stand and say nothing more.
func (g *gate) silence() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.silent = g.opened
}

// stall lets streams read nothing until they go on.
func (g *gate) stall() (goOn func()) {
	stalled := make(chan struct{})
	goOn = sync.OnceFunc(func() { close(stalled) })
	g.tb.Cleanup(goOn)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stalled = stalled
	return goOn
}

// cut breaks all streams.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, cut := range g.cuts {
		cut()
	}
}

func (g *gate) meet(fate string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fate = fate
}

func (g *gate) swallow(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.swallowed = n
}

func (g *gate) keys() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.asked)
}

// wait waits until something is so, which is looked at under the lock.
func (g *gate) wait(what string, is func() bool) {
	g.tb.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		g.mu.Lock()
		so := is()
		g.mu.Unlock()
		if so {
			return
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tb.Fatalf("it never was so: %s; %d streams are open, %d were opened", what, g.open, g.opened)
}
