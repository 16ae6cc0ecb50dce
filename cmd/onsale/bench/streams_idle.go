// idle: the cost of connections that get nothing but heartbeats.

package bench

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"onsale/cmd/onsale/bench/load"
)

// warmupCommands is how many commands a node has seen before anything is measured.
const warmupCommands = 2000

func benchIdle(ctx context.Context, r *measurement) error {
	n, window := cmp.Or(r.Connections, 10_000), cmp.Or(r.Duration, time.Minute)
	r.report.condition("%d connections (%s) without events; %v without them and %v with them; memory is PSS", n, r.Readers, window, window)
	if err := descriptorsFor(n); err != nil {
		return err
	}
	source, err := load.NewSource(ctx, r.Target, 64, func(i int) string { return fmt.Sprintf("warm-%d", i) })
	if err != nil {
		return err
	}
	defer source.Close()
	if _, err := source.Generate(ctx, warmupCommands, 0); err != nil {
		return err
	}
	r.logf("%v without connections", window)
	without, err := r.cpuDuring(ctx, window)
	if err != nil {
		return err
	}
	before, err := r.memoryAfterGC(ctx, window) // the log's caches are empty again by now
	if err != nil {
		return err
	}
	pool, err := load.NewStreamPool(r.host)
	if err != nil {
		return err
	}
	defer pool.Close()
	start, used := time.Now(), r.cpu()
	if err := pool.Connect(ctx, n, func(i int) load.Reader { return r.reader(i, source) }); err != nil {
		return err
	}
	took, openingCPU := time.Since(start), r.cpu()-used
	r.logf("%v with %d connections", window, n)
	with, err := r.cpuDuring(ctx, window)
	if err != nil {
		return err
	}
	idle, err := r.memoryAfterGC(ctx, window)
	if err != nil {
		return err
	}
	if _, err := source.Generate(ctx, 1, 0); err != nil {
		return err
	}
	watchers := n
	switch r.Readers {
	case "mixed":
		watchers = (n + 1) / 2
	case "user":
		watchers = 0
	}
	if err := pool.Await(ctx, watchers); err != nil {
		return fmt.Errorf("%w: not all of %d watchers got the one event: %w", load.ErrVerification, watchers, err)
	}
	afterEvent, err := r.memoryAfterGC(ctx, window)
	if err != nil {
		return err
	}
	perConnection := func(bytes float64) float64 { return bytes / 1024 / float64(n) }
	if r.PID != 0 {
		r.report.addTarget(metric{Name: "memory a connection", Value: perConnection(idle.PSS - before.PSS), Unit: "KiB", AtMost: 4})
		r.report.add("of that, Go's live heap", perConnection(idle.Heap-before.Heap), "KiB")
		r.report.add("of that, stacks", perConnection(idle.Stack-before.Stack), "KiB")
		r.report.addTarget(metric{Name: "memory a connection, after one event for the watchers", Value: perConnection(afterEvent.PSS - before.PSS), Unit: "KiB", AtMost: 5})
		perSecond := func(used time.Duration) float64 { return float64(used.Microseconds()) / window.Seconds() }
		r.report.addTarget(metric{Name: "CPU a connection, each second", Value: perSecond(with-without) / float64(n), Unit: "µs", AtMost: 2})
		r.report.add("CPU without connections, each second", perSecond(without), "µs")
		r.report.add("CPU to open a connection", float64(openingCPU.Microseconds())/float64(n), "µs")
	}
	r.report.add("opened, each second", float64(n)/took.Seconds(), "")
	return pool.Err()
}

// reader is what connection i reads.
func (r *measurement) reader(i int, source *load.Source) load.Reader {
	if r.Readers == "schedule" || r.Readers == "mixed" && i%2 == 0 {
		return load.Reader{Schedule: source.Schedule}
	}
	return load.Reader{User: fmt.Sprintf("%s-%d", source.Schedule, i)}
}

// cpuDuring is the node's CPU in a window of time.
func (r *measurement) cpuDuring(ctx context.Context, window time.Duration) (time.Duration, error) {
	before := r.cpu()
	select {
	case <-time.After(window):
		return r.cpu() - before, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
