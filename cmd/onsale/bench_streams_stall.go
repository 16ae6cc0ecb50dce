// stall: readers stop reading while thousands of their events pass. They must lose nothing, cost little, and be no trouble
// to anybody else. Everything is done twice, first without them.

package main

import (
	"cmp"
	"context"
	"time"

	"onsale/cmd/onsale/load"
)

const probeEvery = 250 * time.Millisecond

func benchStall(ctx context.Context, r *streamsRun) error {
	n, events := cmp.Or(r.Connections, 5_000), cmp.Or(r.Events, 10_000)
	r.report.say("%d events in three quarters of %v, once without and once with %d readers that stall; "+
		"beside them %d watch another schedule, where one seat changes every %v", events, r.Stall, r.Stalled, n, probeEvery)
	if r.Stall < time.Minute {
		r.report.say("figures of memory mean little below a minute, for the log keeps for a while what it wrote")
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
	if _, err := busy.Make(ctx, events, 0); err != nil { // what the node makes once is made; and a small ring is full
		return err
	}
	others, err := r.crowd(ctx, r.host, n, load.Reader{Schedule: calm.Schedule})
	if err != nil {
		return err
	}
	defer others.Close()
	if err := r.quiet(ctx); err != nil {
		return err
	}

	without, err := r.pass(ctx, busy, calm, others, events)
	if err != nil {
		return err
	}
	stalled, err := r.stalled(ctx, busy.Schedule)
	if err != nil {
		return err
	}
	with, err := r.pass(ctx, busy, calm, others, events)
	if err != nil {
		return err
	}
	r.note("they read again")
	began := time.Now()
	if err := r.catchUp(ctx, stalled, busy, with.events); err != nil {
		return err
	}
	back := time.Since(began)
	r.report.add("lost, doubled or out of order, of events passed", 0, "")
	if r.PID != 0 {
		each := 1024 * float64(r.Stalled)
		r.report.aim(figure{Name: "the node's memory for each: alive, and stacks", Value: (with.grown - without.grown) / each, Unit: "KiB", AtMost: 64})
		r.report.add("the same by what its process holds, garbage and noise too", (with.held-without.held)/each, "KiB")
	}
	if with.kernel > 0 {
		r.report.add("the kernel's for each (all TCP here, both ends)", (with.kernel-without.kernel)/1024/float64(r.Stalled), "KiB")
	}
	r.report.add("the others' latency, p50 without", quantile(without.latency, .5), "ms")
	r.report.add("the others' latency, p50 with", quantile(with.latency, .5), "ms")
	r.report.add("the others' latency, p99 without", quantile(without.latency, .99), "ms")
	r.report.add("the others' latency, p99 with", quantile(with.latency, .99), "ms")
	r.report.aim(figure{Name: "p99, with for without", Value: quantile(with.latency, .99) / quantile(without.latency, .99), AtMost: flat})
	r.report.add("until all of them had everything", ms(back), "ms")
	return r.counted(ctx, with.counters)
}

// counted tells which way the readers were served.
func (r *streamsRun) counted(ctx context.Context, before map[string]float64) error {
	now, err := r.figures(ctx)
	if err != nil {
		return err
	}
	for _, c := range []struct{ name, counter string }{
		{"readers sent to the log (demoted)", "onsale_streams_demoted_total"},
		{"readers cut off for a write that did not end", "onsale_streams_slow_total"},
		{"events read from the log", "onsale_streams_replayed_events_total"},
	} {
		r.report.add(c.name, now[c.counter]-before[c.counter], "")
	}
	return nil
}
