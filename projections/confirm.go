// Confirming: EVENTS has the event, so requests, queries and streams may see it.

package projections

import (
	"time"

	"onsale/domain"
	"onsale/projections/store"
)

// confirm confirms the pending events up to n. The publisher calls it after its acknowledgement and the follower after its
// comparison; the second call finds nothing to do.
func (p *Projector) confirm(n uint64) {
	p.publishMu.Lock()
	defer p.publishMu.Unlock()
	confirmed := p.confirmUpTo(n)
	if len(confirmed) == 0 {
		return
	}
	p.metrics.observe(confirmed)
	if p.OnConfirmed != nil {
		p.OnConfirmed(confirmed)
	}
}

// confirmUpTo removes the events up to n from pending and delivers the outcomes among them to their waiters.
func (p *Projector) confirmUpTo(n uint64) []ConfirmedEvent {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) == 0 || p.pending[0].event.Number > n {
		return nil
	}
	confirmed := make([]ConfirmedEvent, 0, min(uint64(len(p.pending)), n-p.pending[0].event.Number+1))
	for i := range p.pending {
		next := &p.pending[i]
		e := next.event
		if e.Number > n {
			break
		}
		confirmed = append(confirmed, e)
		p.recent.note(e.Number, next.record.Hash)
		if e.User != "" {
			p.confirmLast(next.keys.User, e.Number)
		}
		p.confirmLast(next.keys.Entity, e.Number)
		p.confirmed = e.Number
		if !e.Request.IsZero() {
			p.waiters.deliver(e.Event)
		}
	}
	p.pending = p.pending[len(confirmed):]
	if len(p.pending) == 0 {
		p.pending = nil // releases the array
	}
	if last := len(p.confirmations) - 1; last < 0 || time.Since(p.confirmations[last].at) > p.OutboxRetention/8 {
		p.confirmations = append(p.confirmations, confirmation{p.confirmed, time.Now()})
	}
	p.notify()
	return confirmed
}

// confirmLast makes n the last confirmed event of a user or entity.
func (p *Projector) confirmLast(key store.Key, n uint64) {
	p.lastEvents.Set(key, n)
	if p.unconfirmed[key] == n { // no later one is decided
		delete(p.unconfirmed, key)
	}
}

// link makes event n the last event of its user and entity that is decided, and returns those before it.
func (p *Projector) link(n uint64, keys store.Keys) (links store.Links) {
	link := func(key store.Key) uint64 {
		prev, ok := p.unconfirmed[key]
		if !ok {
			prev = p.lastEvents.Of(key)
		}
		p.unconfirmed[key] = n
		return prev
	}
	if keys.User != (store.Key{}) {
		links.PrevOfUser = link(keys.User)
	}
	links.PrevOfEntity = link(keys.Entity)
	return links
}

// trimmableUpTo is the number up to which EVENTS is certainly on disk, so that the outbox may drop its records.
func (p *Projector) trimmableUpTo() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var upTo uint64
	for len(p.confirmations) > 0 && time.Since(p.confirmations[0].at) > p.OutboxRetention {
		upTo = p.confirmations[0].number
		p.confirmations = p.confirmations[1:]
	}
	return upTo
}

// recentHashes are the hashes of the newest confirmed events, for a follower that reads them after our acknowledgement.
type recentHashes [8192]struct {
	number uint64
	hash   domain.Hash
}

func (r *recentHashes) note(n uint64, h domain.Hash) {
	slot := &r[n%uint64(len(r))]
	slot.number, slot.hash = n, h
}

func (r *recentHashes) find(n uint64) (domain.Hash, bool) {
	slot := &r[n%uint64(len(r))]
	return slot.hash, slot.number == n
}
