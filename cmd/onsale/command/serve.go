package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"

	"onsale/cmd/onsale/node"
	"onsale/config"
)

// serve runs a node until ctx is done. The address is taken first: a second process on it ends before it touches
// anything, and whoever connects while the log is read waits instead of being refused.
func serve(ctx context.Context, cfg config.Config, stderr io.Writer) error {
	logger := newLogger(cfg.Logging, stderr)
	setDefaultGCPercent()
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return hintError{err, "another process may serve there; choose another address with --listen"}
	}
	defer l.Close()
	n, err := node.Open(ctx, cfg, l.Addr().String(), logger)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "listening on http://%s\n", l.Addr())
	if cfg.Demo {
		fmt.Fprintf(stderr, "try the page at http://%s/\n", l.Addr())
		if path := n.FakePayPath(); path != "" {
			fmt.Fprintf(stderr, "payments are fake: http://%s%s/_fake/\n", l.Addr(), path)
		}
	}
	err = n.Run(ctx, l)
	if closeErr := n.Close(); err == nil {
		err = closeErr
	}
	return err
}

// setDefaultGCPercent lets the heap grow further between collections than Go does by default: what a node keeps in memory for each
// user is marked again and again in a rush, and that is what a decision among a million users costs more than one among a
// thousand. GOGC in the environment has the last word.
func setDefaultGCPercent() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(200)
	}
}

func newLogger(c config.Logging, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // checked with the configuration
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
