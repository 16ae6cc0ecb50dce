// Events that pass, with and without somebody who does not read them, and what that does to everybody else.

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"onsale/cmd/onsale/load"
)

// stallPhase is what was seen while the events passed.
type stallPhase struct {
	events   []load.Event
	latency  []float64 // of the others, in milliseconds
	grown    float64   // what is alive in the node, in bytes,
	held     float64   // and what its process holds that is in no file
	kernel   float64   // that of all TCP sockets here, in bytes
	counters map[string]float64
}

// quiet is the last quarter of the stall, in which the log forgets what it keeps for a while of what it wrote.
func (r *streamsRun) quiet(ctx context.Context) error {
	_, err := r.spent(ctx, r.Stall/4)
	return err
}

// pass makes events for three quarters of the stall, and probes the others meanwhile.
func (r *streamsRun) pass(ctx context.Context, busy, calm *load.Source, others *load.Crowd, events int) (p stallPhase, err error) {
	before, err := r.settled(ctx, r.Stall)
	if err != nil {
		return p, err
	}
	kernel := tcpMemory()
	if p.counters, err = r.figures(ctx); err != nil {
		return p, err
	}
	passing := r.Stall - r.Stall/4
	r.note("%d events pass in %v", events, passing)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(chan struct{})
	var making sync.WaitGroup
	var failure error
	making.Go(func() {
		defer close(over)
		p.events, failure = busy.Make(ctx, events, float64(events)/passing.Seconds())
	})
	for more := true; more && err == nil; {
		var round load.Round
		if round, err = others.Round(ctx, calm.One(ctx)); err != nil {
			cancel()
		}
		for _, each := range round.Each {
			p.latency = append(p.latency, ms(each))
		}
		select {
		case <-over:
			more = false
		case <-time.After(probeEvery):
		}
	}
	making.Wait()
	if err = cmp.Or(err, failure); err != nil {
		return p, err
	}
	p.kernel = tcpMemory() - kernel
	if err := r.quiet(ctx); err != nil {
		return p, err
	}
	after, err := r.settled(ctx, r.Stall)
	p.grown, p.held = after.Heap+after.Stack-before.Heap-before.Stack, after.Own-before.Own
	return p, err
}

// tcpMemory is what the kernel holds for all TCP sockets, in bytes; 0: unknown.
func tcpMemory() float64 {
	stat, _ := os.ReadFile("/proc/net/sockstat")
	_, tcp, _ := strings.Cut(string(stat), "TCP: ")
	_, pages, _ := strings.Cut(tcp, " mem ")
	var n int
	_, _ = fmt.Sscan(pages, &n)
	return float64(n * os.Getpagesize())
}
