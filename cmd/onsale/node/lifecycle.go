// The life of a node: what begins before what, and what ends after what.

package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// The whole end takes at most 15 s. Streams have streams.drainWindow, which is at most 10 s; requests have until so long
// after it, and not more than the second; what remains is for the projector and the log.
const (
	shutdownGrace   = 3 * time.Second
	shutdownTimeout = 5 * time.Second
)

// run serves on l until ctx ends, and then ends in order: streams first, while the listener is still open, so that nobody
// who is told to come back finds a closed door before the last moment; then the counter, then the projector, then the log.
func (n *Node) Run(ctx context.Context, l net.Listener) error {
	workCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group sync.WaitGroup
	if n.consistent {
		group.Go(func() { _ = n.projector.Run(workCtx) })
		n.startPayments(workCtx, &group)
	}
	group.Go(func() { n.capacity.run(workCtx) })
	if n.consistent {
		n.waitReady(ctx, workCtx, &group)
	}
	served := make(chan error, 1)
	group.Go(func() { served <- n.server.Serve(l, n.handler()) })
	var err error
	select {
	case <-ctx.Done():
		n.shuttingDown.Store(true)
		n.logger.Info("ending", "because", context.Cause(ctx))
	case err = <-served:
		err = fmt.Errorf("the listener broke: %w", err)
	case err = <-n.log.Failed():
		err = fmt.Errorf("the embedded nats-server failed: %w", err)
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

// readyTimeout bounds how long nobody is let in. A cluster without a leader is no reason to be silent for longer.
const readyTimeout = 10 * time.Second

// waitReady waits until this life can tell whatever an earlier one has told, and until the demo is open. Who comes meanwhile
// waits at the listener.
func (n *Node) waitReady(ctx, workCtx context.Context, group *sync.WaitGroup) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := n.projector.WaitCaughtUp(ctx); err != nil {
		n.logger.Warn("not everything that was decided before can be told yet", "error", err)
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

// close gives back what the node holds.
func (n *Node) Close() error {
	var errs []error
	if n.projector != nil {
		errs = append(errs, n.projector.Close())
	}
	return errors.Join(append(errs, n.log.Close())...)
}
