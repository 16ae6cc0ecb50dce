// Following EVENTS: its events, from any writer, are compared with those that this node has decided. An equal event is confirmed;
// a difference means that the rules are not deterministic or that a log is damaged, and halts the node.

package projections

import (
	"context"
	"fmt"
	"math"

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
			return fmt.Errorf("event %d in EVENTS is not what this node has decided: hash %s on %s there, %s here",
				record.Number, record.Hash, record.Subject, *ours)
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
