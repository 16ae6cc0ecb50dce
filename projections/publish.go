// Publishing: decided events are appended to EVENTS. Event n may become message n only; this fence covers other writers, our own
// earlier attempts and restarts. So appending again is always safe, and what EVENTS already has is compared by follow.

package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/domain"
)

const (
	publishBatch   = 500                    // records of one append
	lostRaceWait   = 250 * time.Millisecond // how long a node that lost the last race leaves the next append to the winner
	publishRetry   = 250 * time.Millisecond
	followerGiveUp = 10 * time.Second // after which a warning says that the follower is late
)

// publish appends the pending events. A node that finds others ahead of it leaves appending to them for a moment and lets its
// follower compare what they wrote.
func (p *Projector) publish(ctx context.Context) error {
	lostRace := false
	for ctx.Err() == nil {
		records, err := p.nextRecords(ctx)
		if err != nil {
			return nil // ctx ended, or the node has halted
		}
		first := records[0].Number
		if p.eventsEnd.Load() >= first {
			// EVENTS has it already. The follower compares it with ours, and confirms it or halts the node.
			if err := p.waitConfirmedFor(ctx, first, followerGiveUp); errors.Is(err, context.DeadlineExceeded) {
				p.Logger.Warn("EVENTS has an event that the follower has not read", "event", first)
			}
			continue
		}
		if lostRace && p.waitConfirmedFor(ctx, first, lostRaceWait) == nil {
			continue
		}
		err = p.Log.AppendEvents(ctx, records)
		p.eventsFull.Store(errors.Is(err, domain.ErrFull))
		switch {
		case err == nil:
			lostRace = false
			p.confirm(records[len(records)-1].Number)
			continue
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, domain.ErrFenced):
			lostRace = true
		default:
			p.Logger.Warn("appending events failed, retrying", "from", first, "error", err)
			if sleep(ctx, publishRetry) != nil {
				return nil
			}
		}
		// EVENTS may have some of them now, ours or another node's.
		state, err := p.Log.State(ctx)
		switch {
		case err != nil:
			if sleep(ctx, publishRetry) != nil {
				return nil
			}
		case state.Events.Last+1 < first && p.Log.Embedded():
			return fmt.Errorf("EVENTS has gone backwards: it ends at %d, event %d was confirmed", state.Events.Last, first-1)
		case state.Events.Last+1 < first: // so says one server: the watchdog finds out
			if sleep(ctx, time.Second) != nil {
				return nil
			}
		default:
			p.raiseEventsEnd(state.Events.Last)
		}
	}
	return nil
}

// nextRecords waits for pending events and returns at most publishBatch records.
func (p *Projector) nextRecords(ctx context.Context) ([]domain.Record, error) {
	var batch []pendingEvent
	err := p.waitUntil(ctx, func() bool {
		batch = p.pending[:min(len(p.pending), publishBatch)]
		return len(batch) > 0
	})
	records := make([]domain.Record, len(batch))
	for i := range batch {
		records[i] = batch[i].record
	}
	return records, err
}

func (p *Projector) waitConfirmedFor(ctx context.Context, n uint64, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return p.WaitConfirmed(ctx, n)
}

// raiseEventsEnd notes that EVENTS has event n.
func (p *Projector) raiseEventsEnd(n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.eventsEnd.Load() < n {
		p.eventsEnd.Store(n)
		p.notify() // the follower may have something to compare
	}
}

// sleep waits d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
