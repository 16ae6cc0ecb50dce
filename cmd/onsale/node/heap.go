// How far the heap may grow between two collections.

package node

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	gcPercent    = 200       // of a small heap
	heapHeadroom = 384 << 20 // bytes: at most this much, where minGCPercent allows it
	minGCPercent = 25        // a larger heap is not collected more often than this
	heapInterval = 2 * time.Second
)

// LimitHeap lets a small heap grow further between collections than Go does by default, since decisions become slower with each
// collection, and a large one less, since with millions of past coupons a percentage would be gigabytes. It goes on until ctx ends. GOGC
// in the environment overrides it.
func LimitHeap(ctx context.Context) {
	if _, set := os.LookupEnv("GOGC"); set {
		return
	}
	percent := gcPercent
	debug.SetGCPercent(percent)
	go func() {
		ticker := time.NewTicker(heapInterval)
		defer ticker.Stop()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			metrics.Read(live)
			// Setting it stops the world for a moment, so small changes wait.
			if next := gcPercentFor(live[0].Value.Uint64()); next > percent+percent/8 || next < percent-percent/8 {
				percent = next
				debug.SetGCPercent(percent)
			}
		}
	}()
}

// gcPercentFor is the percentage for a heap with this many bytes in use.
func gcPercentFor(live uint64) int {
	return int(min(gcPercent, max(minGCPercent, heapHeadroom*100/max(live, 1))))
}
