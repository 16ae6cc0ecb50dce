// One transaction: the rules decide a batch, and everything that follows from it is written, or nothing is.
package projections

import (
	"errors"
	"fmt"
	"maps"
	"time"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

// errRules is a rule that broke while its event was made so: this node's state is no longer what the log says.
var errRules = errors.New("the rules broke")

// transact decides the batches and writes everything that follows from it, or nothing.
func (p *Projector) transact(batches []domain.Batch) error {
	commands := 0
	for _, b := range batches {
		commands += len(b.Commands)
	}
	began := time.Now()
	made := make([]pending, 0, commands) // most commands lead to one event
	var repeats []uint64                 // sequences of commands that ask again for what was decided
	mark := p.mark
	err := p.store.update(func(tx *bolt.Tx) error {
		w := newWriter(tx)
		for _, b := range batches {
			for _, c := range b.Commands {
				if c.Sequence <= mark.sequence {
					continue // decided before the store was rebuilt
				}
				decided, err := p.decideOne(c)
				if err != nil {
					return err
				}
				if first, again := p.shop.Requests[c.Request]; again && first.Fingerprint == c.Fingerprint {
					repeats = append(repeats, c.Sequence)
				}
				for _, told := range decided {
					next, err := p.write(w, mark.hash, told)
					if err != nil {
						return err
					}
					made = append(made, next)
					mark.hash = next.record.Hash
				}
				mark.sequence = c.Sequence
			}
		}
		mark.events, mark.now = p.shop.Events, p.shop.Now
		mark.confirmed = p.Confirmed()
		if err := w.finish(p.shop, p.outboxDone()); err != nil {
			return err
		}
		if p.beforeCommit != nil {
			if err := p.beforeCommit(); err != nil {
				return err
			}
		}
		return mark.write(tx)
	})
	if err != nil {
		return err
	}
	// Committed. A crash from here on finds the events in the outbox.
	p.mark, p.message = mark, batches[len(batches)-1].Message
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committed, p.logTime = mark, max(p.logTime, batches[len(batches)-1].At)
	for i := range made {
		p.tally.add(kindOf(made[i].row.Type, made[i].told.Event), !made[i].told.Request.IsZero())
	}
	p.pace.note(time.Now(), second{commands: commands, messages: len(batches), busy: time.Since(began)})
	if len(p.pending) == 0 {
		p.pending = made
	} else {
		p.pending = append(p.pending, made...)
	}
	for _, sequence := range repeats {
		p.waiting.release(sequence)
	}
	p.notify()
	return nil
}

// decideOne lets the shop do one command, and moves the heads, under the lock that readers of both take.
func (p *Projector) decideOne(c domain.Command) (decided []Told, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%w: applying what command %d led to: %v", errRules, c.Sequence, broken)
		}
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	events, broken := p.shop.Do(c)
	if broken != nil {
		p.Logger.Error("a command broke the rules and is dead", "sequence", c.Sequence, "error", broken)
	}
	for _, e := range events {
		told := Told{Event: e}
		if e.User != "" {
			told.BeforeOfUser = link(p.fresh.user, p.heads.user, e.User, e.Number)
		}
		told.BeforeOfEntity = link(p.fresh.entity, p.heads.entity, entityKey(e), e.Number)
		decided = append(decided, told)
	}
	return decided, nil
}

// write puts one event into the transaction.
func (p *Projector) write(w *writer, previous domain.Hash, told Told) (pending, error) {
	e := told.Event
	record, err := p.Log.EncodeEvent(previous, e)
	if err != nil {
		return pending{}, fmt.Errorf("%w: event %d cannot be written: %w", errRules, e.Number, err)
	}
	name, _ := e.Body.Type()
	r := row{Outcome{e.Request, e.Fingerprint, e.User, e.Entity, e.Sequence, e.Number, e.Now, name, record.Data()},
		told.BeforeOfUser, told.BeforeOfEntity}
	return pending{told, record, r}, w.put(p.shop, e, record, r)
}

// link makes n the newest of key and gives the one before it.
func link(fresh, confirmed map[string]uint64, key string, n uint64) uint64 {
	before, ok := fresh[key]
	if !ok {
		before = confirmed[key]
	}
	fresh[key] = n
	return before
}

// reload makes the shop what the store says, after a transaction that did not happen.
func (p *Projector) reload() error {
	return p.store.view(func(tx *bolt.Tx) error {
		past := newPast()
		if err := past.load(tx); err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.shop, p.fresh, p.tally = past.shop, past.heads, past.tally
		maps.DeleteFunc(p.fresh.user, func(_ string, n uint64) bool { return n <= p.confirmed })
		maps.DeleteFunc(p.fresh.entity, func(_ string, n uint64) bool { return n <= p.confirmed })
		return nil
	})
}
