// The events of one user or one entity, in order, out of the journal: its rows are chained, so that finding the next one
// costs the same in any depth of the log and among any number of others. It is what readers get who have fallen behind.
package projections

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

const (
	chainFound = 4096 // numbers that are found in one walk along the chain, which leads from the newest to the oldest
	chainRead  = 64   // events that are read at a time: whoever takes them may be slow, and a moment of the store must be short
)

// EventsOfUser are the user's confirmed events from a number on; after the last it waits for more, until ctx ends.
func (p *Projector) EventsOfUser(ctx context.Context, user string, from uint64) iter.Seq2[domain.Event, error] {
	return p.chain(ctx, from, func() uint64 { return p.LastOfUser(user) }, 16)
}

// EventsOfEntity are those of an entity ("seats", "demo").
func (p *Projector) EventsOfEntity(ctx context.Context, kind, entity string, from uint64) iter.Seq2[domain.Event, error] {
	return p.chain(ctx, from, func() uint64 { return p.LastOfEntity(kind, entity) }, 24)
}

// chain follows the rows whose number of the one before stands at a place in the row.
func (p *Projector) chain(ctx context.Context, from uint64, last func() uint64, place int) iter.Seq2[domain.Event, error] {
	return func(yield func(domain.Event, error) bool) {
		var marks []uint64
		for ctx.Err() == nil {
			p.mu.RLock()
			changed := p.changed
			p.mu.RUnlock()
			for len(marks) > 0 && marks[len(marks)-1] < from {
				marks = marks[:len(marks)-1]
			}
			start := last()
			if len(marks) > 0 {
				start = marks[len(marks)-1]
			}
			numbers, passed, err := p.oldest(from, start, place)
			marks = append(marks, passed...)
			if err != nil {
				yield(domain.Event{}, err)
				return
			}
			if len(numbers) == 0 {
				select {
				case <-changed:
				case <-ctx.Done():
				}
				continue
			}
			for some := range slices.Chunk(numbers, chainRead) {
				events, err := p.events(some)
				if err != nil {
					yield(domain.Event{}, err)
					return
				}
				for _, e := range events {
					if !yield(e, nil) {
						return
					}
				}
			}
			from = numbers[len(numbers)-1] + 1
		}
	}
}

// oldest are the first numbers of a chain that are not before from, rising, as many as one walk finds. Where it passed more,
// it left marks, falling: the next walk begins at the lowest mark that is not before its own from, so that who missed a
// million does not walk the million for every part of it.
func (p *Projector) oldest(from, start uint64, place int) (numbers, marks []uint64, err error) {
	err = p.store.view(func(tx *bolt.Tx) error {
		journal := tx.Bucket(bucketJournal)
		for n := start; n >= from && n > 0; {
			if len(numbers) == 2*chainFound { // those newer ones are for the next walk
				marks = append(marks, numbers[chainFound-1])
				numbers = append(numbers[:0], numbers[chainFound:]...)
			}
			numbers = append(numbers, n)
			row := journal.Get(key(n))
			if len(row) < place+8 {
				return fmt.Errorf("%w: event %d has no row", errDamaged, n)
			}
			before := binary.BigEndian.Uint64(row[place:])
			if before >= n {
				return fmt.Errorf("%w: row %d of the journal comes after row %d", errDamaged, before, n)
			}
			n = before
		}
		return nil
	})
	slices.Reverse(numbers)
	return numbers[:min(len(numbers), chainFound)], marks, err
}

// events are those with these numbers.
func (p *Projector) events(numbers []uint64) ([]domain.Event, error) {
	events := make([]domain.Event, 0, len(numbers))
	err := p.store.view(func(tx *bolt.Tx) error {
		for _, n := range numbers {
			r, ok, err := journalRow(tx, n)
			if err != nil || !ok {
				return fmt.Errorf("%w: event %d has no row: %w", errDamaged, n, err)
			}
			body, err := p.Log.DecodeBody(r.Type, r.Data)
			if err != nil {
				return fmt.Errorf("row %d of the journal: %w", n, err)
			}
			events = append(events, domain.Event{
				Number: n, Sequence: r.Sequence, Now: r.At, Entity: r.Entity, User: r.User, Request: r.Request, Fingerprint: r.Fingerprint, Body: body,
			})
		}
		return nil
	})
	return events, err
}
