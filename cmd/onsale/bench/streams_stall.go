// stall: readers stop reading while thousands of their events are published. They must lose nothing, cost little memory, and
// not slow down others. The load runs twice, first without them.

package bench

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"onsale/cmd/onsale/bench/load"
)

const probeEvery = 250 * time.Millisecond

func benchStall(ctx context.Context, r *measurement) error {
	n, events := cmp.Or(r.Connections, 5_000), cmp.Or(r.Events, 10_000)
	r.report.condition("%d events in three quarters of %v, once without and once with %d stalled readers; "+
		"%d others watch another schedule, where one seat changes every %v", events, r.Stall, r.Stalled, n, probeEvery)
	if r.Stall < time.Minute {
		r.report.condition("figures of memory mean little below a minute, since the log keeps for a while what it wrote")
	}
	if err := descriptorsFor(n + r.Stalled); err != nil {
		return err
	}
	busy, err := load.NewSource(ctx, r.Target, 16, func(int) string { return "stalled" })
	if err != nil {
		return err
	}
	defer busy.Close()
	calm, err := load.NewSource(ctx, r.Target, 1, func(int) string { return "probe" })
	if err != nil {
		return err
	}
	defer calm.Close()
	if _, err := busy.Generate(ctx, events, 0); err != nil { // warm-up, which also fills a small ring
		return err
	}
	others, err := r.openPool(ctx, r.host, n, load.Reader{Schedule: calm.Schedule})
	if err != nil {
		return err
	}
	defer others.Close()
	if err := r.waitIdle(ctx); err != nil {
		return err
	}

	without, err := r.runLoad(ctx, busy, calm, others, events)
	if err != nil {
		return err
	}
	stalled, err := r.openStalled(ctx, busy.Schedule)
	if err != nil {
		return err
	}
	with, err := r.runLoad(ctx, busy, calm, others, events)
	if err != nil {
		return err
	}
	r.logf("the stalled readers read again")
	start := time.Now()
	if err := r.catchUp(ctx, stalled, busy, with.events); err != nil {
		return err
	}
	took := time.Since(start)
	r.report.add("lost, doubled or out of order", 0, "")
	if r.PID != 0 {
		perReader := 1024 * float64(r.Stalled)
		r.report.addTarget(metric{Name: "the node's memory for each: live heap and stacks", Value: (with.heapGrowth - without.heapGrowth) / perReader, Unit: "KiB", AtMost: 64})
		r.report.add("the same by its process's memory, with garbage and noise", (with.anonymousGrowth-without.anonymousGrowth)/perReader, "KiB")
	}
	if with.tcpBytes > 0 {
		r.report.add("the kernel's memory for each (all TCP here, both ends)", (with.tcpBytes-without.tcpBytes)/1024/float64(r.Stalled), "KiB")
	}
	r.report.add("the others' latency, p50 without", quantile(without.latency, .5), "ms")
	r.report.add("the others' latency, p50 with", quantile(with.latency, .5), "ms")
	r.report.add("the others' latency, p99 without", quantile(without.latency, .99), "ms")
	r.report.add("the others' latency, p99 with", quantile(with.latency, .99), "ms")
	r.report.addTarget(metric{Name: "p99, with / without", Value: quantile(with.latency, .99) / quantile(without.latency, .99), AtMost: maxRatio})
	r.report.add("until all of them had everything", ms(took), "ms")
	return r.reportCounters(ctx, with.counters)
}

// The node's counters of how slow readers were served.
const (
	demoted  = "onsale_streams_demoted_total"
	cutOff   = `onsale_streams_dropped_total{reason="slow"}`
	replayed = "onsale_streams_replayed_events_total"
)

// reportCounters reports how the stalled readers were served.
func (r *measurement) reportCounters(ctx context.Context, before map[string]float64) error {
	now, err := r.scrapeMetrics(ctx, demoted, cutOff, replayed)
	if err != nil {
		return err
	}
	r.report.add("readers that fell behind the ring (demoted)", now[demoted]-before[demoted], "")
	r.report.add("readers cut off because a write did not end", now[cutOff]-before[cutOff], "")
	r.report.add("events read from the journal", now[replayed]-before[replayed], "")
	return nil
}

// stallPhase is what was seen during one run of the load.
type stallPhase struct {
	events          []load.Event
	latency         []float64 // of the others, in milliseconds
	heapGrowth      float64   // of the node's live heap and stacks, in bytes
	anonymousGrowth float64   // of its process's anonymous memory, in bytes
	tcpBytes        float64   // growth of all TCP sockets here, in bytes
	counters        map[string]float64
}

// waitIdle is the last quarter of the stall, in which the log drops its caches.
func (r *measurement) waitIdle(ctx context.Context) error {
	_, err := r.cpuDuring(ctx, r.Stall/4)
	return err
}

// runLoad publishes events for three quarters of the stall, and measures the others' latency meanwhile.
func (r *measurement) runLoad(ctx context.Context, busy, calm *load.Source, others *load.StreamPool, events int) (p stallPhase, err error) {
	before, err := r.memoryAfterGC(ctx, r.Stall)
	if err != nil {
		return p, err
	}
	tcpBefore := tcpMemory()
	if p.counters, err = r.scrapeMetrics(ctx, demoted, cutOff, replayed); err != nil {
		return p, err
	}
	duration := r.Stall - r.Stall/4
	r.logf("publishing %d events in %v", events, duration)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	var group sync.WaitGroup
	var sendErr error
	group.Go(func() {
		defer close(done)
		p.events, sendErr = busy.Generate(ctx, events, float64(events)/duration.Seconds())
	})
	for more := true; more && err == nil; {
		var round load.Round
		if round, err = others.Round(ctx, calm.One(ctx)); err != nil {
			cancel()
		}
		for _, latency := range round.Each {
			p.latency = append(p.latency, ms(latency))
		}
		select {
		case <-done:
			more = false
		case <-time.After(probeEvery):
		}
	}
	group.Wait()
	if err = cmp.Or(err, sendErr); err != nil {
		return p, err
	}
	p.tcpBytes = tcpMemory() - tcpBefore
	if err := r.waitIdle(ctx); err != nil {
		return p, err
	}
	after, err := r.memoryAfterGC(ctx, r.Stall)
	p.heapGrowth, p.anonymousGrowth = after.Heap+after.Stack-before.Heap-before.Stack, after.Anonymous-before.Anonymous
	return p, err
}

// tcpMemory is the kernel's memory of all TCP sockets, in bytes; 0: unknown.
func tcpMemory() float64 {
	stat, _ := os.ReadFile("/proc/net/sockstat")
	_, tcp, _ := strings.Cut(string(stat), "TCP: ")
	_, pages, _ := strings.Cut(tcp, " mem ")
	var n int
	_, _ = fmt.Sscan(pages, &n)
	return float64(n * os.Getpagesize())
}

// openStalled opens streams of which only the first frame is read.
func (r *measurement) openStalled(ctx context.Context, schedule string) (all []*load.Stream, err error) {
	for i := range r.Stalled {
		reader := load.Reader{User: "stalled", Buffer: 4096}
		if i%2 == 0 {
			reader.Schedule = schedule
		}
		s, err := load.Open(ctx, r.host, reader)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, s.Close)
		all = append(all, s)
	}
	return all, nil
}

// catchUp reads everything that was published, with as many connections as it takes.
func (r *measurement) catchUp(ctx context.Context, stalled []*load.Stream, busy *load.Source, events []load.Event) error {
	errs := make([]error, len(stalled))
	var group sync.WaitGroup
	for i, s := range stalled {
		reader, verifier := load.Reader{User: "stalled"}, load.NewStreamVerifier(events)
		if i%2 == 0 {
			reader.Schedule, verifier = busy.Schedule, load.NewSeatVerifier(events)
		}
		group.Go(func() {
			if err := r.resumeReading(ctx, s, reader, verifier); err != nil {
				errs[i] = fmt.Errorf("stalled reader %d (%s): %w", i+1, reader.Kind(), err)
			}
		})
	}
	group.Wait()
	return cmp.Or(errs...)
}

// resumeReading reads until the verifier is done.
func (r *measurement) resumeReading(ctx context.Context, s *load.Stream, reader load.Reader, verifier *load.StreamVerifier) error {
	s.GrowBuffer()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		err := s.Read(deadline, func(f load.Frame) bool {
			verifier.Add(f)
			return !verifier.Done()
		})
		s.Close()
		switch {
		case verifier.Done():
			return verifier.Err
		case time.Now().After(deadline) || ctx.Err() != nil:
			return fmt.Errorf("%w: it has %d frames and is not at the end: %w", load.ErrVerification, verifier.Frames, err)
		}
		reader.After = s.LastID // it was cut off, and resumes as a browser does
		if s, err = load.Open(ctx, r.host, reader); err != nil {
			return err
		}
	}
}
