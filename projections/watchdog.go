// The watchdog checks that the logs have lost nothing. nats-server reports a log as healthy that has lost its middle or its end, and
// assigns the lost sequences again.

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
		// Read before the logs, which can only be further than this.
		p.mu.RLock()
		sequence, confirmed := p.committed.Sequence, p.confirmed
		p.mu.RUnlock()
		state, err := p.Log.State(ctx)
		if err != nil {
			p.Logger.Warn("log state unavailable", "error", err)
			continue
		}
		if err := checkLogs(state, sequence, confirmed); err != nil {
			return err
		}
		p.commandsEnd.Store(state.Commands.Last)
	}
	return nil
}

// checkLogs says what is wrong with logs that once had the command at sequence and the event with number events.
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
