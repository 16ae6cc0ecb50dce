package node

import (
	"context"
	"log/slog"
	"sync"
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
	maxPending  = 10_000 // events in the outbox that EVENTS has not taken yet
)

// capacityMonitor decides whether users' commands are accepted. They are refused while there is still space for ticks, payment
// results and admins' commands.
type capacityMonitor struct {
	log        *streams.Log
	projector  *projections.Projector
	config     config.Config
	logger     *slog.Logger
	disk       *disk
	fullReason atomic.Pointer[string]      // as of the last check; nil while there is space
	snapshot   atomic.Pointer[logSnapshot] // the latest; nil before the first
	appendedAt atomic.Pointer[time.Time]   // when the log last took a command; nil before the first
	appends    appendTracker
}

// logSnapshot is the state of the logs at a time.
type logSnapshot struct {
	logs domain.LogState
	at   time.Time
}

// appendTracker measures for how long the log has taken none of this node's commands, although there were some.
type appendTracker struct {
	mu       sync.Mutex
	waiting  int       // appends in flight
	since    time.Time // of the last append that succeeded, or of the first one after it
	failedAt time.Time // the last one
}

func (a *appendTracker) begin(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.stalling(now) {
		a.since = now
	}
	a.waiting++
}

func (a *appendTracker) end(now time.Time, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting--
	if ok {
		a.since, a.failedAt = now, time.Time{}
	} else {
		a.failedAt = now
	}
}

// stalling: a command waits, or has failed just now. Without further commands a failure is forgotten, since only a command can
// show that the log takes them again.
func (a *appendTracker) stalling(now time.Time) bool {
	return a.waiting > 0 || now.Sub(a.failedAt) < maxStall
}

func (a *appendTracker) stalled(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.stalling(now) {
		return 0
	}
	return now.Sub(a.since)
}

// problem is the code and the reason for refusing commands now; "" while they are accepted.
func (m *capacityMonitor) problem() (code, reason string) {
	if s := m.projector.Status(); s.Events-s.Confirmed > maxPending {
		if s.EventsFull {
			return "log_full", "EVENTS takes no more outcomes"
		}
		return "backlog_full", "too many outcomes wait to be published"
	}
	if full := m.fullReason.Load(); full != nil {
		return "log_full", *full
	}
	return "", ""
}

// run checks the logs and the disk until ctx ends.
func (m *capacityMonitor) run(ctx context.Context) {
	for {
		reason := m.check(ctx)
		before := m.fullReason.Load()
		switch {
		case reason == "" && before != nil:
			m.fullReason.Store(nil)
			m.logger.Info("space available, accepting commands")
		case reason != "":
			m.fullReason.Store(&reason)
			if before == nil {
				m.logger.Error("out of space, refusing users' commands", "reason", reason)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(checkEvery):
		}
	}
}

// check returns why there is too little space; "" if there is enough, or if the state of the logs is unavailable.
func (m *capacityMonitor) check(ctx context.Context) string {
	if m.disk.free() < int64(m.config.Log.MinFreeDisk) {
		return "the disk of the data directory is almost full"
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	state, err := m.log.State(ctx)
	if err == nil {
		m.snapshot.Store(&logSnapshot{state, time.Now()})
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

// latest is the last known state of the logs, and its time.
func (m *capacityMonitor) latest() (domain.LogState, time.Time) {
	if snapshot := m.snapshot.Load(); snapshot != nil {
		return snapshot.logs, snapshot.at
	}
	return domain.LogState{}, time.Time{}
}

// noteAppend notes that the log took a command.
func (m *capacityMonitor) noteAppend() {
	now := time.Now()
	m.appendedAt.Store(&now)
}

// lastContact is when the log last answered: a look at its state, or an append.
func (m *capacityMonitor) lastContact() time.Time {
	_, at := m.latest()
	if appended := m.appendedAt.Load(); appended != nil && appended.After(at) {
		return *appended
	}
	return at
}

func almostFull(s domain.StreamState) bool {
	return s.MaxBytes > 0 && s.Bytes > s.MaxBytes/100*fullPercent
}
