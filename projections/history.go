// History: the events of one user or one entity, in order, for readers that have fallen behind. The journal's links make the
// next event cost the same at any depth of the log.

package projections

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"onsale/domain"
)

// eventsPerRead are read in one transaction: the consumer may be slow, and a read transaction must be short.
const eventsPerRead = 64

// EventsOfUser are the user's confirmed events from a number on; after the last it waits for more, until ctx ends.
func (p *Projector) EventsOfUser(ctx context.Context, user string, from uint64) iter.Seq2[domain.Event, error] {
	return p.history(ctx, from, func() uint64 { return p.LastOfUser(user) }, p.store.NumbersOfUser)
}

// EventsOfEntity are those of an entity ("seats", "demo").
func (p *Projector) EventsOfEntity(ctx context.Context, kind, entity string, from uint64) iter.Seq2[domain.Event, error] {
	return p.history(ctx, from, func() uint64 { return p.LastOfEntity(kind, entity) }, p.store.NumbersOfEntity)
}

// history follows one chain of links; last is its newest confirmed event, numbers walks it back.
func (p *Projector) history(ctx context.Context, from uint64, last func() uint64,
	numbersBack func(from, last uint64) (numbers, resumePoints []uint64, err error)) iter.Seq2[domain.Event, error] {
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
			numbers, newPoints, err := numbersBack(from, start)
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
				events, err := p.store.Events(part)
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
	links, err := p.store.Links(first, first+uint64(len(events))-1)
	for i := range links {
		events[i].PrevOfUser, events[i].PrevOfEntity = links[i].PrevOfUser, links[i].PrevOfEntity
	}
	return events, err
}
