// Confirming: from here on an event is a fact for everybody. It is told to whoever waits for it and to the streams.
package projections

import (
	"time"

	"onsale/domain"
)

// confirm makes the pending events up to n facts. The emitter calls it with its acknowledgement, the follower after it has
// compared; whoever comes second finds nothing to do.
func (p *Projector) confirm(n uint64) {
	p.telling.Lock()
	defer p.telling.Unlock()
	told := p.settle(n)
	if len(told) > 0 && p.Tell != nil {
		p.Tell(told)
	}
}

// settle takes the events up to n off the pending ones and answers who waits for them.
func (p *Projector) settle(n uint64) []Told {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) == 0 || p.pending[0].told.Number > n {
		return nil
	}
	told := make([]Told, 0, min(uint64(len(p.pending)), n-p.pending[0].told.Number+1))
	for i := range p.pending {
		next := &p.pending[i]
		e := next.told
		if e.Number > n {
			break
		}
		told = append(told, e)
		p.recent.note(e.Number, next.record.Hash)
		if e.User != "" {
			p.heads.user[e.User] = e.Number
			forget(p.fresh.user, e.User, e.Number)
		}
		entity := entityKey(e.Event)
		p.heads.entity[entity] = e.Number
		forget(p.fresh.entity, entity, e.Number)
		p.confirmed = e.Number
		if !e.Request.IsZero() {
			p.waiting.answer(next.row.Outcome)
		}
	}
	p.pending = p.pending[len(told):]
	if len(p.pending) == 0 {
		p.pending = nil // lets go of what stood before it
	}
	if last := len(p.settled) - 1; last < 0 || time.Since(p.settled[last].at) > p.KeepOutbox/8 {
		p.settled = append(p.settled, settled{p.confirmed, time.Now()})
	}
	p.notify()
	return told
}

// forget takes key out of fresh unless a later event has come.
func forget(fresh map[string]uint64, key string, n uint64) {
	if fresh[key] == n {
		delete(fresh, key)
	}
}

// outboxDone is the number up to which EVENTS is surely on disk, so that the outbox may forget.
func (p *Projector) outboxDone() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var done uint64
	for len(p.settled) > 0 && time.Since(p.settled[0].at) > p.KeepOutbox {
		done = p.settled[0].number
		p.settled = p.settled[1:]
	}
	return done
}

// recentHashes are those of the newest confirmed events, for the follower that comes after our own acknowledgement.
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
