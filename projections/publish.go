// Carrying decided events to EVENTS. Event n may only become message n: the fence answers for every other writer, for our
// own earlier attempts, and for every restart. So sending again is never wrong; what is there is compared, not guessed.

package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/domain"
)

const (
	publishBatch = 500                    // records of one call
	lostRaceWait = 250 * time.Millisecond // how long a node that lost the last race leaves the next one to the winner
	publishRetry = 250 * time.Millisecond
)

// publish sends what is pending. A node that finds others ahead of it leaves the sending to them for a moment and lets its
// follower compare what they wrote.
func (p *Projector) publish(ctx context.Context) error {
	lostRace := false
	for ctx.Err() == nil {
		records, err := p.nextRecords(ctx)
		if err != nil {
			return nil // ctx ended
		}
		first := records[0].Number
		if p.eventsEnd.Load() >= first {
			// It stands there already. The follower compares it with ours, and confirms it or halts the node.
			if err := p.waitConfirmedFor(ctx, first, 10*time.Second); errors.Is(err, context.DeadlineExceeded) {
				p.Logger.Warn("EVENTS holds an event that the follower has not seen", "event", first)
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
			p.Logger.Warn("events could not be appended; trying again", "from", first, "error", err)
			if sleep(ctx, publishRetry) != nil {
				return nil
			}
		}
		// Some of them may stand there now, ours or another node's: the log alone can say.
		state, err := p.Log.State(ctx)
		switch {
		case err != nil:
			if sleep(ctx, publishRetry) != nil {
				return nil
			}
		case state.Events.Last+1 < first:
			return fmt.Errorf("EVENTS has gone backwards: it ends at %d, event %d was confirmed", state.Events.Last, first-1)
		default:
			p.raiseEventsEnd(state.Events.Last)
		}
	}
	return nil
}

// nextRecords waits for something pending and gives at most publishBatch records of it.
func (p *Projector) nextRecords(ctx context.Context) ([]domain.Record, error) {
	for {
		p.mu.RLock()
		batch, changed := p.pending[:min(len(p.pending), publishBatch)], p.changed
		records := make([]domain.Record, len(batch))
		for i := range batch {
			records[i] = batch[i].record
		}
		p.mu.RUnlock()
		if len(records) > 0 {
			return records, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// waitConfirmedFor waits until event n is confirmed, at most so long.
func (p *Projector) waitConfirmedFor(ctx context.Context, n uint64, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return p.WaitConfirmed(ctx, n)
}

// raiseEventsEnd notes that EVENTS reaches at least to n.
func (p *Projector) raiseEventsEnd(n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.eventsEnd.Load() < n {
		p.eventsEnd.Store(n)
		p.notify() // the follower may have to look
	}
}

// sleep waits d, or ends with ctx.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
