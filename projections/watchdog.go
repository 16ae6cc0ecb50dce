// Watching over the logs. nats-server calls a log healthy that has lost its middle or its end, and numbers what comes next
// as if nothing had been there; so this looks for itself.

package projections

import (
	"context"
	"fmt"
	"time"

	"onsale/domain"
)

const watchdogInterval = 2 * time.Second

func (p *Projector) watchdog(ctx context.Context) error {
	for sleep(ctx, watchdogInterval) == nil {
		// Asked first, so that the logs can only be further than this.
		p.mu.RLock()
		sequence, confirmed := p.committed.Sequence, p.confirmed
		p.mu.RUnlock()
		state, err := p.Log.State(ctx)
		if err != nil {
			p.Logger.Warn("the logs do not say how they stand", "error", err)
			continue
		}
		if err := checkLogs(state, sequence, confirmed); err != nil {
			return err
		}
		p.commandsEnd.Store(state.Commands.Last)
	}
	return nil
}

// checkLogs says what is wrong with logs in which the command at sequence and event number events once stood.
func checkLogs(state domain.LogState, sequence, events uint64) error {
	if err := state.Commands.CheckContiguous(); err != nil {
		return fmt.Errorf("COMMANDS is damaged: %w", err)
	}
	if err := state.Events.CheckContiguous(); err != nil {
		return fmt.Errorf("EVENTS is damaged: %w", err)
	}
	if message := sequence / domain.SequencesPerMessage; state.Commands.Last < message {
		return fmt.Errorf("COMMANDS has gone backwards: it ends at %d, message %d was decided", state.Commands.Last, message)
	}
	if state.Events.Last < events {
		return fmt.Errorf("EVENTS has gone backwards: it ends at %d, event %d was confirmed", state.Events.Last, events)
	}
	return nil
}
