// Ticks: when a deadline is due and no command arrives, this node appends a tick, so that log time advances. Ticks of two nodes are
// harmless: the second finds nothing due.

package projections

import (
	"context"
	"time"

	"onsale/domain"
)

const (
	maxTickWait = 500 * time.Millisecond // between two looks at the next deadline, since an earlier one may have come
	tickRetry   = 250 * time.Millisecond // after a tick that found nothing due: the log's clock is behind ours
)

func (p *Projector) tick(ctx context.Context) error {
	for {
		var deadline domain.Time
		err := p.waitUntil(ctx, func() (ok bool) {
			deadline, ok = p.machine.NextDeadline() // drops stale deadlines
			return ok
		})
		if err != nil {
			return nil // ctx ended, or the node has halted
		}
		if wait := deadline.Sub(domain.At(time.Now())); wait > 0 {
			if sleep(ctx, min(wait, maxTickWait)) != nil {
				return nil
			}
			continue
		}
		if err := p.tickOnce(ctx); err != nil {
			p.Logger.Warn("appending a tick failed, retrying", "error", err)
		}
		p.mu.Lock()
		next, ok := p.machine.NextDeadline()
		logTime := p.logTime
		p.mu.Unlock()
		if ok && next == deadline {
			// Log time has not reached the deadline: wait for the difference.
			if sleep(ctx, max(tickRetry, deadline.Sub(logTime))) != nil {
				return nil
			}
		}
	}
}

// tickOnce appends a tick and waits until it is decided, so there is at most one undecided tick per node.
func (p *Projector) tickOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	sequence, err := p.Log.Append(ctx, domain.Command{Entity: domain.SystemEntity, Body: domain.Tick{}})
	if err != nil {
		return err
	}
	return p.WaitDecided(ctx, sequence)
}
