// The clock strikes: when a deadline is due and nothing else arrives, this node appends a clock command, so that log time
// goes on. Two nodes doing so is harmless: the second one finds nothing.

package projections

import (
	"context"
	"time"

	"onsale/domain"
)

const (
	maxTickWait = 500 * time.Millisecond // the longest look away from the deadlines: a new one may be sooner
	tickRetry   = 250 * time.Millisecond // after a stroke that found nothing: the log's clock goes behind ours
)

func (p *Projector) tick(ctx context.Context) error {
	for {
		p.mu.Lock() // the shop forgets deadlines that no longer stand when it is asked
		deadline, ok := p.machine.NextDeadline()
		changed := p.changed
		p.mu.Unlock()
		if !ok {
			select {
			case <-changed:
			case <-ctx.Done():
				return nil
			}
			continue
		}
		if wait := deadline.Sub(domain.At(time.Now())); wait > 0 {
			timer := time.NewTimer(min(wait, maxTickWait))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return nil
			}
			continue
		}
		if err := p.tickOnce(ctx); err != nil {
			p.Logger.Warn("the clock command could not be appended; trying again", "error", err)
		}
		p.mu.Lock()
		next, ok := p.machine.NextDeadline()
		logTime := p.logTime
		p.mu.Unlock()
		if ok && next == deadline {
			// The log's time had not come to the deadline: wait for what is missing by its own reckoning.
			if sleep(ctx, max(tickRetry, deadline.Sub(logTime))) != nil {
				return nil
			}
		}
	}
}

// tickOnce appends one clock command and waits until it is decided, and everything before it with it.
func (p *Projector) tickOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	sequence, err := p.Log.Append(ctx, domain.Command{Entity: domain.SystemEntity, Body: domain.Tick{}})
	if err != nil {
		return err
	}
	return p.WaitDecided(ctx, sequence)
}
