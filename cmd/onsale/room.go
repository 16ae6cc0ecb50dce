// Room: commands are refused while there is still some left for what must go on without them: the clock, the
// results of payments, and the shop's own hand.

package main

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
	roomEvery  = 500 * time.Millisecond
	fullAt     = 95     // per cent of either log
	maxPending = 10_000 // events in the outbox that EVENTS has not taken
)

// room knows whether a user's command may be taken.
type room struct {
	log       *streams.Log
	projector *projections.Projector
	config    config.Config
	logger    *slog.Logger
	disk      *disk
	full      atomic.Pointer[string] // why not, as of the last look; nil while there is room
	seen      atomic.Pointer[sight]  // of the logs, the latest; nil before the first
}

// sight is how the logs stood at a time.
type sight struct {
	logs domain.LogState
	at   time.Time
}

// refusal is the code and the reason for which no command is taken now; "" when one is.
func (r *room) refusal() (code, reason string) {
	if s := r.projector.Status(); s.Events-s.Confirmed > maxPending {
		return "log_full", "too many outcomes wait to be written"
	}
	if full := r.full.Load(); full != nil {
		return "log_full", *full
	}
	return "", ""
}

// watch looks at the logs and the disk until ctx ends.
func (r *room) watch(ctx context.Context) {
	for {
		reason := r.look(ctx)
		before := r.full.Load()
		switch {
		case reason == "" && before != nil:
			r.full.Store(nil)
			r.logger.Info("there is room again; commands are taken")
		case reason != "":
			r.full.Store(&reason)
			if before == nil {
				r.logger.Error("no room; users' commands are refused", "reason", reason)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(roomEvery):
		}
	}
}

// look says why there is no room; "" when there is, and when nothing can be learnt: an append will tell.
func (r *room) look(ctx context.Context) string {
	if r.disk.free() < int64(r.config.Log.MinFreeDisk) {
		return "the disk of the data directory is almost full"
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	state, err := r.log.State(ctx)
	if err == nil {
		r.seen.Store(&sight{state, time.Now()})
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
func (r *room) latest() (domain.LogState, time.Time) {
	if seen := r.seen.Load(); seen != nil {
		return seen.logs, seen.at
	}
	return domain.LogState{}, time.Time{}
}

func almostFull(s domain.StreamState) bool { return s.MaxBytes > 0 && s.Bytes > s.MaxBytes/100*fullAt }
