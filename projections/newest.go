// The newest confirmed events, for streams to begin with after a start.
package projections

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Newest are the last n confirmed events, oldest first, read from EVENTS.
func (p *Projector) Newest(ctx context.Context, n int) ([]Told, error) {
	last := p.Confirmed()
	first := uint64(1)
	if last > uint64(n) {
		first = last - uint64(n) + 1
	}
	if last == 0 {
		return nil, nil
	}
	var told []Told
	for record, err := range p.Log.Records(ctx, first, "") {
		if err != nil {
			return nil, fmt.Errorf("reading the newest events: %w", err)
		}
		e, err := p.Log.DecodeEvent(record)
		if err != nil {
			return nil, err
		}
		if told = append(told, Told{Event: e}); record.Number == last {
			break
		}
	}
	err := p.store.view(func(tx *bolt.Tx) error {
		for i := range told {
			r, ok, err := journalRow(tx, told[i].Number)
			if err != nil || !ok {
				return fmt.Errorf("%w: event %d has no row: %w", errDamaged, told[i].Number, err)
			}
			told[i].BeforeOfUser, told[i].BeforeOfEntity = r.beforeOfUser, r.beforeOfEntity
		}
		return nil
	})
	return told, err
}
