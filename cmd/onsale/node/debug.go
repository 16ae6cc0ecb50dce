// The debug port: profiles, the log level and metrics, for the engineer on this machine. It knows no users, so it answers only
// requests that name a loopback host: a web page that points its own name at this machine gets nothing.

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Debug serves the debug port. It starts before the node, so that a long recovery can be profiled.
type Debug struct {
	mux    http.ServeMux
	server http.Server
}

// ServeDebug serves on l until Close.
func ServeDebug(l net.Listener, level *slog.LevelVar, logger *slog.Logger) *Debug {
	d := &Debug{}
	d.mux.HandleFunc("GET /debug/pprof/", pprof.Index) // also the profiles by name
	d.mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	d.mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	d.mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	d.mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	d.mux.HandleFunc("GET /loglevel", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, level) })
	d.mux.HandleFunc("PUT /loglevel", func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(io.LimitReader(r.Body, 16)) // what is missing is no level
		var parsed slog.Level
		if err := parsed.UnmarshalText(text); err != nil {
			http.Error(w, fmt.Sprintf("%q is no level: debug, info, warn or error", text), http.StatusBadRequest)
			return
		}
		logger.Warn("log level changed", "from", level.Level(), "to", parsed)
		level.Set(parsed)
		fmt.Fprintln(w, level.Level())
	})
	d.server = http.Server{
		Handler: http.HandlerFunc(d.serve), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := d.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("the debug port is not served any more", "error", err)
		}
	}()
	return d
}

func (d *Debug) serve(w http.ResponseWriter, r *http.Request) {
	if !namesLoopback(r.Host) {
		http.Error(w, "the host must be localhost or a loopback address", http.StatusForbidden)
		return
	}
	d.mux.ServeHTTP(w, r)
}

func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// ShowMetrics adds /metrics, once there is a node.
func (d *Debug) ShowMetrics(n *Node) {
	d.mux.Handle("GET /metrics", promhttp.HandlerFor(n.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
}

// Close ends the port, profiles that are being taken too.
func (d *Debug) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if d.server.Shutdown(ctx) != nil {
		_ = d.server.Close()
	}
}
