package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"onsale/cmd/onsale/node"
	"onsale/config"
)

// SignalContext ends with SIGINT, SIGTERM, or SIGHUP unless that is ignored, as nohup has it. A second signal ends the process at
// once.
func SignalContext() context.Context {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	return ctx
}

// serve runs a node until ctx ends. It listens first: a second process at this address ends before it touches the data, and
// clients that connect during recovery wait instead of being refused.
func serve(ctx context.Context, cfg config.Config, stderr io.Writer) error {
	level := &slog.LevelVar{}
	_ = level.UnmarshalText([]byte(cfg.Logging.Level)) // validated with the configuration
	logger := newLogger(cfg.Logging.Format, level, stderr)
	signal.Ignore(syscall.SIGPIPE) // which a write to the log of a reader that has ended raises
	node.LimitHeap(ctx)
	node.SetMemoryLimit(logger)
	l, err := listen(cfg.Listen, "--listen")
	if err != nil {
		return err
	}
	defer l.Close()
	var debugPort *node.Debug
	if cfg.Debug.Listen != "" {
		debugListener, err := listen(cfg.Debug.Listen, "--debug-listen")
		if err != nil {
			return err
		}
		debugPort = node.ServeDebug(debugListener, level, logger)
		defer debugPort.Close()
		fmt.Fprintf(stderr, "debug port at http://%s\n", debugListener.Addr())
	}
	n, err := node.Open(ctx, cfg, l.Addr().String(), logger)
	if err != nil {
		return err
	}
	if debugPort != nil {
		debugPort.ShowMetrics(n)
	}
	url := "http://" + l.Addr().String()
	if cfg.TLS.Cert != "" {
		url = "https://" + l.Addr().String()
	}
	fmt.Fprintf(stderr, "listening on %s\n", url)
	if cfg.Demo {
		fmt.Fprintf(stderr, "try the page at %s/\npaid seats are at %s/s/%s\n", url, url, node.DemoConcert)
		if path := n.FakePayPath(); path != "" {
			fmt.Fprintf(stderr, "payments are fake: %s%s/_fake/\n", url, path)
		}
	}
	err = n.Run(ctx, l)
	if closeErr := n.Close(); err == nil {
		err = closeErr
	}
	return err
}

func newLogger(format string, level slog.Leveler, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
