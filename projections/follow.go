// Following EVENTS: its events, from any writer, are compared with those that this node has decided. An equal event is confirmed;
// a difference means that the rules are not deterministic or that a log is damaged, and halts the node. The watchdog finds what
// the logs have lost, and halts it too.

package projections

import (
	"context"
	"fmt"
	"math"
	"time"

	"onsale/domain"
)

// follow reads EVENTS while other nodes may write to it. With an embedded log the node is the only writer: it knows what EVENTS
// has from its acknowledgements, and reads only what was not acknowledged. Reading all would cost an eighth of the node's CPU.
func (p *Projector) follow(ctx context.Context) error {
	if !p.Log.Embedded() {
		return p.compare(ctx, math.MaxUint64)
	}
	for p.waitUntil(ctx, func() bool { return p.eventsEnd.Load() > p.confirmed }) == nil && ctx.Err() == nil {
		if err := p.compare(ctx, p.eventsEnd.Load()); err != nil {
			return err
		}
	}
	return nil
}

// compare reads EVENTS from the first event that is not confirmed, up to last.
func (p *Projector) compare(ctx context.Context, last uint64) error {
	for record, err := range p.Log.EventHashes(ctx, p.Confirmed()+1) {
		if err != nil {
			return fmt.Errorf("cannot follow EVENTS: %w", err)
		}
		p.raiseEventsEnd(record.Number)
		ours, err := p.decidedHash(ctx, record.Number)
		if err != nil {
			return nil // ctx ended, or the node has halted
		}
		if ours != nil && *ours != record.Hash {
			return fmt.Errorf("event %d in EVENTS is not what this node has decided: hash %s there, %s here",
				record.Number, record.Hash, *ours)
		}
		p.confirm(record.Number)
		if record.Number >= last {
			return nil
		}
	}
	return nil
}

// decidedHash waits until this node has decided event n and returns its hash; nil when it was confirmed too long ago to be in
// memory.
func (p *Projector) decidedHash(ctx context.Context, n uint64) (hash *domain.Hash, err error) {
	err = p.waitUntil(ctx, func() bool {
		if h, known := p.recent.find(n); known {
			hash = &h
		} else if len(p.pending) > 0 && n >= p.pending[0].event.Number && n <= p.committed.Events {
			hash = &p.pending[n-p.pending[0].event.Number].record.Hash
		}
		return hash != nil || n <= p.confirmed
	})
	return hash, err
}

const watchdogInterval = 2 * time.Second

// watchdog checks that the logs have lost nothing. nats-server reports a log as healthy that has lost its middle or its end, and
// assigns the lost sequences again.
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
