// idle: what connections cost that have nothing to read but heartbeats.

package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"onsale/cmd/onsale/load"
)

// warm is how many commands a node has seen before anything is measured.
const warm = 2000

func benchIdle(ctx context.Context, r *streamsRun) error {
	n, window := cmp.Or(r.Connections, 10_000), cmp.Or(r.Duration, time.Minute)
	r.report.say("%d connections (%s) and nothing to tell; over %v without them and %v with them; memory is PSS", n, r.Readers, window, window)
	if err := descriptorsFor(n); err != nil {
		return err
	}
	source, err := load.NewSource(ctx, r.Target, 64, func(i int) string { return fmt.Sprintf("warm-%d", i) })
	if err != nil {
		return err
	}
	defer source.Close()
	if _, err := source.Make(ctx, warm, 0); err != nil {
		return err
	}
	r.note("%v without connections", window)
	without, err := r.spent(ctx, window)
	if err != nil {
		return err
	}
	before, err := r.settled(ctx, window) // by now the log's caches are empty again
	if err != nil {
		return err
	}
	crowd, err := load.NewCrowd(r.host)
	if err != nil {
		return err
	}
	defer crowd.Close()
	began, used := time.Now(), r.cpu()
	if err := crowd.Join(ctx, n, func(i int) load.Reader { return r.reader(i, source) }); err != nil {
		return err
	}
	took, opening := time.Since(began), r.cpu()-used
	r.note("%v with %d connections", window, n)
	with, err := r.spent(ctx, window)
	if err != nil {
		return err
	}
	idle, err := r.settled(ctx, window)
	if err != nil {
		return err
	}
	if _, err := source.Make(ctx, 1, 0); err != nil {
		return err
	}
	watching := n
	switch r.Readers {
	case "mixed":
		watching = (n + 1) / 2
	case "user":
		watching = 0
	}
	if err := crowd.Await(ctx, watching); err != nil {
		return fmt.Errorf("%w: of %d watchers not all have the one event: %w", load.ErrBroken, watching, err)
	}
	told, err := r.settled(ctx, window)
	if err != nil {
		return err
	}
	each := func(bytes float64) float64 { return bytes / 1024 / float64(n) }
	if r.PID != 0 {
		r.report.aim(figure{Name: "memory a connection", Value: each(idle.All - before.All), Unit: "KiB", AtMost: 4})
		r.report.add("of that, Go's live heap", each(idle.Heap-before.Heap), "KiB")
		r.report.add("of that, stacks", each(idle.Stack-before.Stack), "KiB")
		r.report.aim(figure{Name: "memory a connection, after one event for the watchers", Value: each(told.All - before.All), Unit: "KiB", AtMost: 5})
		second := func(used time.Duration) float64 { return float64(used.Microseconds()) / window.Seconds() }
		r.report.aim(figure{Name: "CPU a connection, each second", Value: second(with-without) / float64(n), Unit: "µs", AtMost: 2})
		r.report.add("CPU without connections, each second", second(without), "µs")
		r.report.add("CPU to open a connection", float64(opening.Microseconds())/float64(n), "µs")
	}
	r.report.add("opened, each second", float64(n)/took.Seconds(), "")
	return crowd.Err()
}

// reader is idle connection i.
func (r *streamsRun) reader(i int, source *load.Source) load.Reader {
	if r.Readers == "schedule" || r.Readers == "mixed" && i%2 == 0 {
		return load.Reader{Schedule: source.Schedule}
	}
	return load.Reader{User: fmt.Sprintf("%s-%d", source.Schedule, i)}
}

// spent is the node's CPU in a window of time.
func (r *streamsRun) spent(ctx context.Context, window time.Duration) (time.Duration, error) {
	before := r.cpu()
	select {
	case <-time.After(window):
		return r.cpu() - before, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
