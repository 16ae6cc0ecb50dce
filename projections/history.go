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
	maxNumbersPerWalk = 4096 // numbers that are found in one walk along the chain, which leads from the newest to the oldest
	eventsPerRead     = 64   // events that are read at a time: whoever takes them may be slow, and a moment of the store must be short
)

// EventsOfUser are the user's confirmed events from a number on; after the last it waits for more, until ctx ends.
func (p *Projector) EventsOfUser(ctx context.Context, user string, from uint64) iter.Seq2[domain.Event, error] {
	return p.history(ctx, from, func() uint64 { return p.LastOfUser(user) }, 16)
}

// EventsOfEntity are those of an entity ("seats", "demo").
func (p *Projector) EventsOfEntity(ctx context.Context, kind, entity string, from uint64) iter.Seq2[domain.Event, error] {
	return p.history(ctx, from, func() uint64 { return p.LastOfEntity(kind, entity) }, 24)
}

// history follows the rows whose number of the one before stands at a place in the row.
func (p *Projector) history(ctx context.Context, from uint64, last func() uint64, linkOffset int) iter.Seq2[domain.Event, error] {
	return func(yield func(domain.Event, error) bool) {
		var resumePoints []uint64
		for ctx.Err() == nil {
			p.mu.RLock()
			changed := p.changed
			p.mu.RUnlock()
			for len(resumePoints) > 0 && resumePoints[len(resumePoints)-1] < from {
				resumePoints = resumePoints[:len(resumePoints)-1]
			}
			start := last()
			if len(resumePoints) > 0 {
				start = resumePoints[len(resumePoints)-1]
			}
			numbers, newPoints, err := p.collectBack(from, start, linkOffset)
			resumePoints = append(resumePoints, newPoints...)
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
			for part := range slices.Chunk(numbers, eventsPerRead) {
				events, err := p.loadEvents(part)
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

// collectBack are the first numbers of a chain that are not before from, rising, as many as one walk finds. Where it passed more,
// it left marks, falling: the next walk begins at the lowest mark that is not before its own from, so that who missed a
// million does not walk the million for every part of it.
func (p *Projector) collectBack(from, start uint64, linkOffset int) (numbers, resumePoints []uint64, err error) {
	err = p.store.view(func(tx *bolt.Tx) error {
		journal := tx.Bucket(bucketJournal)
		for n := start; n >= from && n > 0; {
			if len(numbers) == 2*maxNumbersPerWalk { // those newer ones are for the next walk
				resumePoints = append(resumePoints, numbers[maxNumbersPerWalk-1])
				numbers = append(numbers[:0], numbers[maxNumbersPerWalk:]...)
			}
			numbers = append(numbers, n)
			row := journal.Get(key(n))
			if len(row) < linkOffset+8 {
				return fmt.Errorf("%w: event %d has no row", errDamaged, n)
			}
			prev := binary.BigEndian.Uint64(row[linkOffset:])
			if prev >= n {
				return fmt.Errorf("%w: row %d of the journal comes after row %d", errDamaged, prev, n)
			}
			n = prev
		}
		return nil
	})
	slices.Reverse(numbers)
	return numbers[:min(len(numbers), maxNumbersPerWalk)], resumePoints, err
}

// loadEvents are those with these numbers.
func (p *Projector) loadEvents(numbers []uint64) ([]domain.Event, error) {
	events := make([]domain.Event, 0, len(numbers))
	err := p.store.view(func(tx *bolt.Tx) error {
		for _, n := range numbers {
			r, ok, err := readJournalRow(tx, n)
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

// The newest confirmed events, for streams to begin with after a start.

// LatestEvents are the last n confirmed events, oldest first, read from EVENTS.
func (p *Projector) LatestEvents(ctx context.Context, n int) ([]ConfirmedEvent, error) {
	last := p.Confirmed()
	first := uint64(1)
	if last > uint64(n) {
		first = last - uint64(n) + 1
	}
	if last == 0 {
		return nil, nil
	}
	var events []ConfirmedEvent
	for record, err := range p.Log.Events(ctx, first, "") {
		if err != nil {
			return nil, fmt.Errorf("reading the newest events: %w", err)
		}
		e, err := p.Log.DecodeEvent(record)
		if err != nil {
			return nil, err
		}
		if events = append(events, ConfirmedEvent{Event: e}); record.Number == last {
			break
		}
	}
	err := p.store.view(func(tx *bolt.Tx) error {
		for i := range events {
			r, ok, err := readJournalRow(tx, events[i].Number)
			if err != nil || !ok {
				return fmt.Errorf("%w: event %d has no row: %w", errDamaged, events[i].Number, err)
			}
			events[i].PrevOfUser, events[i].PrevOfEntity = r.prevOfUser, r.prevOfEntity
		}
		return nil
	})
	return events, err
}
