// Deciding: a batch of commands, one transaction.
package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/shop"
)

const (
	maxCommands = 2_000 // of one transaction: some 15 ms of work, so that nobody waits long for a place in it
	rush        = 12    // commands that make it worth the while to wait for more: a transaction costs as much as 40 of them
	rushWait    = 2 * time.Millisecond
)

// decide takes batches from COMMANDS as they come, and several at once when they come fast.
func (p *Projector) decide(ctx context.Context) error {
	// The last message may be decided in part, when the store was rebuilt from EVENTS: it is read again.
	commands, err := p.Commands(ctx, max(1, p.mark.sequence/domain.PlacesPerMessage))
	if err != nil {
		return fmt.Errorf("cannot read COMMANDS: %w", err)
	}
	for {
		taken, err := take(ctx, commands.Batches())
		if errors.Is(err, errEnded) {
			return fmt.Errorf("%w: %w", err, commands.Err())
		}
		if err != nil {
			return nil // ctx ended
		}
		if taken, err = p.inOrder(taken); err != nil {
			return err
		}
		for len(taken) > 0 {
			err := p.transact(taken)
			if err == nil {
				commands.Ack(p.message)
				break
			}
			if errors.Is(err, errRules) || errors.Is(err, errDamaged) {
				return err
			}
			// No room on the disk, most likely. Nothing is lost: the store stands where it stood, and so must the shop.
			p.Logger.Error("the read store cannot be written; trying again", "error", err)
			if err := p.reload(); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Second):
			}
		}
	}
}

var errEnded = errors.New("COMMANDS cannot be read any further")

// take waits for one batch, and takes along what is there. In a rush it waits a little for more.
func take(ctx context.Context, batches <-chan domain.Batch) ([]domain.Batch, error) {
	var taken []domain.Batch
	commands := 0
	var full <-chan time.Time
	for {
		if commands < maxCommands {
			select {
			case b, ok := <-batches:
				if !ok {
					return nil, errEnded
				}
				taken, commands = append(taken, b), commands+len(b.Commands)
				continue
			default:
			}
		}
		switch {
		case commands == 0: // nothing yet: wait as long as it takes
		case commands >= maxCommands || commands < rush:
			return taken, nil
		case full == nil:
			full = time.After(rushWait)
		}
		select {
		case b, ok := <-batches:
			if !ok {
				return nil, errEnded
			}
			taken, commands = append(taken, b), commands+len(b.Commands)
		case <-full:
			return taken, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// inOrder leaves out what came again. A hole must not be: deciding over it would decide otherwise than another node.
func (p *Projector) inOrder(batches []domain.Batch) ([]domain.Batch, error) {
	next := p.message + 1
	var fresh []domain.Batch
	for _, b := range batches {
		switch {
		case b.Message < next:
		case b.Message > next:
			return nil, fmt.Errorf("COMMANDS has a hole: after message %d came %d", next-1, b.Message)
		default:
			fresh = append(fresh, b)
			next++
		}
	}
	return fresh, nil
}

// errRules is a rule that broke while its event was made so: this node's state is no longer what the log says.
var errRules = errors.New("the rules broke")

// transact decides the batches and writes everything that follows from it, or nothing.
func (p *Projector) transact(batches []domain.Batch) error {
	var made []pending
	var repeats []repeat
	mark := p.mark
	err := p.store.update(func(tx *bolt.Tx) error {
		w := newWriter(tx)
		for _, b := range batches {
			for _, c := range b.Commands {
				if c.Sequence <= mark.sequence {
					continue // decided before the store was rebuilt
				}
				events, err := p.shop.Decide(c)
				if err != nil {
					p.Logger.Error("a command broke the rules and is dead", "sequence", c.Sequence, "error", err)
				}
				if first, again := p.shop.Requests[c.Request]; again && first.Fingerprint == c.Fingerprint {
					repeats = append(repeats, repeat{c.Sequence, first.Event})
				}
				for _, e := range events {
					next, err := p.write(w, mark.hash, e)
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
	p.pending = append(p.pending, made...)
	p.repeated(repeats)
	p.notify()
	return nil
}

// write makes one event so, in the shop and in the transaction.
func (p *Projector) write(w *writer, previous domain.Hash, e domain.Event) (next pending, err error) {
	record, err := p.Log.EncodeEvent(previous, e)
	if err != nil {
		return next, fmt.Errorf("%w: event %d cannot be written: %w", errRules, e.Number, err)
	}
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%w: applying event %d: %v", errRules, e.Number, broken)
		}
	}()
	told := p.apply(e)
	name, _ := e.Body.Type()
	r := row{Outcome{e.Request, e.Fingerprint, e.User, e.Entity, e.Sequence, e.Number, e.Now, name, record.Data()},
		told.BeforeOfUser, told.BeforeOfEntity}
	return pending{told, record, r}, w.put(p.shop, e, record, r)
}

// apply moves the shop and the heads under the lock that readers of them take.
func (p *Projector) apply(e domain.Event) Told {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shop.Apply(e)
	told := Told{Event: e}
	if e.User != "" {
		told.BeforeOfUser = link(p.fresh.user, p.heads.user, e.User, e.Number)
	}
	told.BeforeOfEntity = link(p.fresh.entity, p.heads.entity, entityKey(e), e.Number)
	return told
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
		sh, h, err := load(tx)
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.shop, p.fresh = sh, h
		maps.DeleteFunc(p.fresh.user, func(_ string, n uint64) bool { return n <= p.confirmed })
		maps.DeleteFunc(p.fresh.entity, func(_ string, n uint64) bool { return n <= p.confirmed })
		return nil
	})
}

// writer is one transaction's hand on the buckets.
type writer struct {
	tx                       *bolt.Tx
	journal, outbox, coupons *bolt.Bucket
	promotions               map[string]bool // changed: each is written once, at the end
}

func newWriter(tx *bolt.Tx) *writer {
	return &writer{tx, rising(tx, bucketJournal), rising(tx, bucketOutbox), tx.Bucket(bucketCoupons), map[string]bool{}}
}

// put writes everything that event e, already made so in the shop, has changed.
func (w *writer) put(sh *shop.Shop, e domain.Event, record domain.Record, r row) error {
	if err := w.journal.Put(key(e.Number), r.encode()); err != nil {
		return err
	}
	if record.Payload != nil { // a rebuild has it in EVENTS already
		if err := putOutbox(w.outbox, record); err != nil {
			return err
		}
	}
	switch body := e.Body.(type) {
	case coupons.Created:
		w.promotions[body.PromotionID] = true
		return nil
	case coupons.Issued:
		w.promotions[body.PromotionID] = true
		return putCoupon(w.coupons, e, body)
	}
	return putSeats(w.tx, sh.Seats, e)
}

// finish writes what is written once for a transaction, and forgets the outbox up to and including done.
func (w *writer) finish(sh *shop.Shop, done uint64) error {
	for id := range w.promotions {
		if err := putPromotion(w.tx, sh.Coupons.Promotion(id)); err != nil {
			return err
		}
	}
	return trimOutbox(w.outbox, done)
}
