// Following EVENTS: what stands there is compared with what this node has decided, whoever wrote it. Equal confirms it;
// a difference means that the rules are not deterministic or a log is damaged, and the node halts.
package projections

import (
	"context"
	"fmt"

	"onsale/domain"
)

func (p *Projector) follow(ctx context.Context) error {
	for record, err := range p.Log.Hashes(ctx, p.Confirmed()+1) {
		if err != nil {
			return fmt.Errorf("cannot follow EVENTS: %w", err)
		}
		p.raiseLogEnd(record.Number)
		ours, err := p.decided(ctx, record.Number)
		if err != nil {
			return nil // ctx ended
		}
		if ours != nil && *ours != record.Hash {
			return fmt.Errorf("event %d in EVENTS is not what this node has decided: hash %s there, %s here",
				record.Number, record.Hash, *ours)
		}
		p.confirm(record.Number)
	}
	return nil
}

// decided waits until this node has decided event n and gives its hash; nil when that is so long ago that it is no longer
// at hand: our own acknowledgement confirmed it then.
func (p *Projector) decided(ctx context.Context, n uint64) (*domain.Hash, error) {
	for {
		p.mu.RLock()
		changed := p.changed
		hash, known := p.recent.find(n)
		if !known && len(p.pending) > 0 && n >= p.pending[0].told.Number && n <= p.committed.events {
			hash, known = p.pending[n-p.pending[0].told.Number].record.Hash, true
		}
		passed := n <= p.confirmed
		p.mu.RUnlock()
		if known {
			return &hash, nil
		}
		if passed {
			return nil, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
