// The life of a node: what begins before what, and what ends after what.

package main

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
	requestsAfter  = 3 * time.Second
	requestsWithin = 5 * time.Second
)

// run serves on l until ctx ends, and then ends in order: streams first, while the listener is still open, so that nobody
// who is told to come back finds a closed door before the last moment; then the counter, then the projector, then the log.
func (n *node) run(ctx context.Context, l net.Listener) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group sync.WaitGroup
	if n.sound {
		group.Go(func() { _ = n.projector.Run(work) })
		n.startPayments(work, &group)
	}
	group.Go(func() { n.room.watch(work) })
	if n.sound {
		n.prepare(ctx, work, &group)
	}
	served := make(chan error, 1)
	group.Go(func() { served <- n.server.Serve(l) })
	var err error
	select {
	case <-ctx.Done():
		n.ending.Store(true)
		n.logger.Info("ending", "because", context.Cause(ctx))
	case err = <-served:
		err = fmt.Errorf("the listener broke: %w", err)
	case err = <-n.log.Failed():
		err = fmt.Errorf("the embedded nats-server failed: %w", err)
	}
	window := n.config.Streams.DrainWindow
	over := time.Now().Add(window + requestsAfter)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), window+time.Second/2)
	defer cancel()
	if drainErr := n.hub.Drain(drain, window); drainErr != nil {
		n.logger.Warn("streams were cut off", "error", drainErr)
	}
	n.hub.Close()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(requestsWithin, time.Until(over)))
	defer cancel()
	if endErr := n.server.Shutdown(end); endErr != nil {
		n.logger.Warn("requests were cut off", "error", endErr)
	}
	stop()
	group.Wait()
	return err
}

// prepareWithin bounds how long nobody is let in. A cluster without a leader is no reason to be silent for longer.
const prepareWithin = 10 * time.Second

// prepare waits until this life can tell whatever an earlier one has told, and until the demo is open. Who comes meanwhile
// waits at the listener.
func (n *node) prepare(ctx, work context.Context, group *sync.WaitGroup) {
	ctx, cancel := context.WithTimeout(ctx, prepareWithin)
	defer cancel()
	if err := n.projector.WaitCaughtUp(ctx); err != nil {
		n.logger.Warn("not everything that was decided before can be told yet", "error", err)
	}
	if !n.config.Demo {
		return
	}
	open := make(chan struct{})
	group.Go(func() {
		defer close(open)
		n.demo(work)
	})
	select {
	case <-open:
	case <-ctx.Done():
	}
}

// close gives back what the node holds.
func (n *node) close() error {
	var errs []error
	if n.projector != nil {
		errs = append(errs, n.projector.Close())
	}
	return errors.Join(append(errs, n.log.Close())...)
}
