// Room: commands are refused while there is still some left for what must go on without them: the clock, the
// results of payments, and the shop's own hand.

package node

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"onsale/config"
	"onsale/domain"
	"onsale/projections"
	"onsale/streams"
)

const (
	checkEvery  = 500 * time.Millisecond
	fullPercent = 95     // per cent of either log
	maxPending  = 10_000 // events in the outbox that EVENTS has not taken
)

// capacityMonitor knows whether a user's command may be taken.
type capacityMonitor struct {
	log        *streams.Log
	projector  *projections.Projector
	config     config.Config
	logger     *slog.Logger
	disk       *disk
	fullReason atomic.Pointer[string]      // why not, as of the last look; nil while there is room
	snapshot   atomic.Pointer[logSnapshot] // of the logs, the latest; nil before the first
}

// logSnapshot is how the logs stood at a time.
type logSnapshot struct {
	logs domain.LogState
	at   time.Time
}

// problem is the code and the reason for which no command is taken now; "" when one is.
func (r *capacityMonitor) problem() (code, reason string) {
	if s := r.projector.Status(); s.Events-s.Confirmed > maxPending {
		return "log_full", "too many outcomes wait to be written"
	}
	if full := r.fullReason.Load(); full != nil {
		return "log_full", *full
	}
	return "", ""
}

// run looks at the logs and the disk until ctx ends.
func (r *capacityMonitor) run(ctx context.Context) {
	for {
		reason := r.check(ctx)
		before := r.fullReason.Load()
		switch {
		case reason == "" && before != nil:
			r.fullReason.Store(nil)
			r.logger.Info("there is room again; commands are taken")
		case reason != "":
			r.fullReason.Store(&reason)
			if before == nil {
				r.logger.Error("no room; users' commands are refused", "reason", reason)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(checkEvery):
		}
	}
}

// check says why there is no room; "" when there is, and when nothing can be learnt: an append will tell.
func (r *capacityMonitor) check(ctx context.Context) string {
	if r.disk.free() < int64(r.config.Log.MinFreeDisk) {
		return "the disk of the data directory is almost full"
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	state, err := r.log.State(ctx)
	if err == nil {
		r.snapshot.Store(&logSnapshot{state, time.Now()})
	}
	switch {
	case err != nil:
		return ""
	case almostFull(state.Commands):
		return "COMMANDS is almost full"
	case almostFull(state.Events):
		return "EVENTS is almost full"
	}
	return ""
}

// latest is how the logs stood when they were last looked at, and when that was.
func (r *capacityMonitor) latest() (domain.LogState, time.Time) {
	if snapshot := r.snapshot.Load(); snapshot != nil {
		return snapshot.logs, snapshot.at
	}
	return domain.LogState{}, time.Time{}
}

func almostFull(s domain.StreamState) bool {
	return s.MaxBytes > 0 && s.Bytes > s.MaxBytes/100*fullPercent
}
