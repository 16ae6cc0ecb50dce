package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// The shutdown takes at most 15 s: first the streams' drain window (at most 10 s); then requests have until shutdownGrace after
// it, but at most shutdownTimeout; the rest is for the projector and the log.
const (
	shutdownGrace   = 3 * time.Second
	shutdownTimeout = 5 * time.Second
)

// Run serves on l until ctx ends, and shuts down in order: streams first, while the listener is still open for those that
// reconnect early; then requests, then the projector. The log is closed by Close.
func (n *Node) Run(ctx context.Context, l net.Listener) error {
	workCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group sync.WaitGroup
	if n.consistent {
		group.Go(func() { _ = n.projector.Run(workCtx) })
		n.startPayments(workCtx, &group)
	}
	group.Go(func() { n.capacity.run(workCtx) })
	group.Go(func() { n.scrubber.run(workCtx) })
	group.Go(func() { n.readiness.run(workCtx) })
	if n.certificate != nil {
		group.Go(func() { n.certificate.run(workCtx) })
	}
	if n.consistent {
		n.waitReady(ctx, workCtx, &group)
	}
	served := make(chan error, 1)
	group.Go(func() { served <- n.server.Serve(l, n.server) })
	var err error
	select {
	case <-ctx.Done():
		n.shuttingDown.Store(true)
		n.logger.Info("shutting down", "cause", context.Cause(ctx))
	case err = <-served:
		err = fmt.Errorf("the listener failed: %w", err)
	case err = <-n.projector.Failed():
		err = fmt.Errorf("%w; the next start rebuilds it from EVENTS", err)
	case err = <-n.log.Failed():
		err = fmt.Errorf("the log failed: %w", err)
	}
	window := n.config.Streams.DrainWindow
	deadline := time.Now().Add(window + shutdownGrace)
	drainCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), window+time.Second/2)
	defer cancel()
	if drainErr := n.hub.Drain(drainCtx, window); drainErr != nil {
		n.logger.Warn("streams were cut off", "error", drainErr)
	}
	n.hub.Close()
	shutdownCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(shutdownTimeout, time.Until(deadline)))
	defer cancel()
	if shutdownErr := n.server.Shutdown(shutdownCtx); shutdownErr != nil {
		n.logger.Warn("requests were cut off", "error", shutdownErr)
	}
	stop()
	group.Wait()
	return err
}

// readyTimeout bounds how long connections wait at the listener, such as while a cluster has no leader.
const readyTimeout = 10 * time.Second

// waitReady waits until this process shows everything that an earlier one has published, and until the demo is open. Clients that
// connect meanwhile wait at the listener.
func (n *Node) waitReady(ctx, workCtx context.Context, group *sync.WaitGroup) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := n.projector.WaitCaughtUp(ctx); err != nil {
		n.logger.Warn("serving before all earlier events are confirmed", "error", err)
	}
	if !n.config.Demo {
		return
	}
	opened := make(chan struct{})
	group.Go(func() {
		defer close(opened)
		n.createDemo(workCtx)
	})
	select {
	case <-opened:
	case <-ctx.Done():
	}
}

// Close closes the authenticator, the projector and the log, and sends the last traces.
func (n *Node) Close() error {
	defer n.closeTracer()
	n.auth.Close()
	var errs []error
	if n.fakeListener != nil {
		_ = n.fakeListener.Close() // it may be closed already
	}
	if n.projector != nil {
		errs = append(errs, n.projector.Close())
	}
	return errors.Join(append(errs, n.log.Close())...)
}
