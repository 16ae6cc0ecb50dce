// What the node costs its machine, as the machine and its own runtime see it.

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// memory is what the node's process holds, in bytes.
type memory struct {
	All         float64 // PSS: also its part of what it shares, and of files that are mapped
	Own         float64 // of that, what is in no file
	Heap, Stack float64 // what collections left alive; what goroutines have
}

// settled is its memory when what is garbage is gone. Scrapes make the work for three collections: what lies in pools survives
// one, and at the third it shows what was left. Then the runtime has given nothing more back for some seconds, no more than
// window.
func (r *streamsRun) settled(ctx context.Context, window time.Duration) (m memory, err error) {
	const collections, alive, stacks = "go_gc_duration_seconds_count", "go_memstats_heap_alloc_bytes", "go_memstats_stack_inuse_bytes"
	began, err := r.figures(ctx)
	if err != nil {
		return m, err
	}
	heap := began[alive]
	for now, end := began, time.Now().Add(10*time.Second); now[collections] < began[collections]+3 && time.Now().Before(end); {
		if now, err = r.figures(ctx); err != nil {
			return m, err
		}
		heap = min(heap, now[alive])
	}
	least, since := r.memory(), time.Now()
	for end := time.Now().Add(10 * time.Second); time.Since(since) < min(window, 3*time.Second) && time.Now().Before(end); {
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return m, ctx.Err()
		}
		if m = r.memory(); m.All < least.All*0.995 {
			least, since = m, time.Now()
		}
	}
	now, err := r.figures(ctx)
	m = r.memory()
	m.Heap, m.Stack = heap, now[stacks]
	return m, err
}

// memory reads Linux's /proc; elsewhere, and without --pid, it knows nothing.
func (r *streamsRun) memory() (m memory) {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", r.PID))
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(rollup)) {
		var kilobytes float64
		if n, _ := fmt.Sscanf(line, "Pss: %f kB", &kilobytes); n == 1 {
			m.All = kilobytes * 1024
		}
		if n, _ := fmt.Sscanf(line, "Pss_Anon: %f kB", &kilobytes); n == 1 {
			m.Own = kilobytes * 1024
		}
	}
	return m
}

// cpu is what the node has used so far, in steps of ten milliseconds.
func (r *streamsRun) cpu() time.Duration {
	used, _ := processCPU(r.PID)
	return used
}
