// History: the events of one user, of one entity or of all, in order, for readers that have fallen behind. The journal's links make the
// next event cost the same at any depth of the log.

package projections

import (
	"context"
	"iter"
	"slices"

	"onsale/domain"
	"onsale/projections/store"
)

// eventsPerRead are read in one transaction: the consumer may be slow, and a read transaction must be short.
const eventsPerRead = 64

// EventsOfUser are the user's confirmed events from a number on; after the last it waits for more, until ctx ends. Last is not set.
func (p *Projector) EventsOfUser(ctx context.Context, user string, from uint64) iter.Seq2[domain.Event, error] {
	return p.history(ctx, from, store.OfUser, store.UserKey(user))
}

// EventsOfEntity are those of an entity ("seats", "demo").
func (p *Projector) EventsOfEntity(ctx context.Context, kind, entity string, from uint64) iter.Seq2[domain.Event, error] {
	return p.history(ctx, from, store.OfEntity, store.EntityKey(kind, entity))
}

// EventsFrom are all of them.
func (p *Projector) EventsFrom(ctx context.Context, from uint64) iter.Seq2[domain.Event, error] {
	return func(yield func(domain.Event, error) bool) {
		for next := max(1, from); ; {
			if p.WaitConfirmed(ctx, next) != nil || ctx.Err() != nil {
				<-ctx.Done() // a halted node has no more events
				return
			}
			var numbers []uint64
			for last := p.Confirmed(); next <= last && len(numbers) < eventsPerRead; next++ {
				numbers = append(numbers, next)
			}
			events, err := p.store.Events(numbers)
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
	}
}

// history follows the chain of links of a user or an entity; key is its key in lastEvents.
func (p *Projector) history(ctx context.Context, from uint64, chain store.Chain, key store.Key) iter.Seq2[domain.Event, error] {
	return func(yield func(domain.Event, error) bool) {
		var resumePoints []uint64
		for {
			var start uint64
			err := p.waitUntil(ctx, func() bool {
				start = p.lastEvents.Of(key)
				return start >= max(1, from)
			})
			if err != nil || ctx.Err() != nil {
				<-ctx.Done() // a halted node has no more events
				return
			}
			for len(resumePoints) > 0 && resumePoints[len(resumePoints)-1] < from {
				resumePoints = resumePoints[:len(resumePoints)-1]
			}
			if len(resumePoints) > 0 {
				start = resumePoints[len(resumePoints)-1]
			}
			numbers, newPoints, err := p.store.NumbersBack(chain, from, start)
			resumePoints = append(resumePoints, newPoints...)
			if err != nil {
				yield(domain.Event{}, err)
				return
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

// LatestEvents are the last n confirmed events, oldest first. Last is not set.
func (p *Projector) LatestEvents(n int) ([]ConfirmedEvent, error) {
	last := p.Confirmed()
	var numbers []uint64
	for number := last - min(last, uint64(n)) + 1; number <= last; number++ {
		numbers = append(numbers, number)
	}
	found, err := p.store.Events(numbers)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	links, err := p.store.Links(numbers[0], last)
	events := make([]ConfirmedEvent, len(links))
	for i := range links {
		events[i] = ConfirmedEvent{found[i], links[i]}
	}
	return events, err
}
