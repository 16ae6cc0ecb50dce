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
)

const (
	maxBatchCommands = 2_000 // of one transaction: some 15 ms of work, so that nobody waits long for a place in it
	batchThreshold   = 12    // commands that make it worth the while to wait for more: a transaction costs as much as 40 of them
	batchWait        = 2 * time.Millisecond
)

// decide takes batches from COMMANDS as they come, and several at once when they come fast.
func (p *Projector) decide(ctx context.Context) error {
	// The last message may be decided in part, when the store was rebuilt from EVENTS: it is read again.
	commands, err := p.ConsumeCommands(ctx, max(1, p.checkpoint.sequence/domain.SequencesPerMessage))
	if err != nil {
		return fmt.Errorf("cannot read COMMANDS: %w", err)
	}
	for {
		batches, err := collect(ctx, commands.Batches())
		if errors.Is(err, errConsumerEnded) {
			return fmt.Errorf("%w: %w", err, commands.Err())
		}
		if err != nil {
			return nil // ctx ended
		}
		if batches, err = p.dropDuplicates(batches); err != nil {
			return err
		}
		for len(batches) > 0 {
			err := p.commitBatches(batches)
			if err == nil {
				commands.Ack(p.message)
				break
			}
			if errors.Is(err, errApply) || errors.Is(err, errDamaged) {
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

var errConsumerEnded = errors.New("COMMANDS cannot be read any further")

// collect waits for one batch, and takes along what is there. In a rush it waits a little for more.
func collect(ctx context.Context, batches <-chan domain.Batch) ([]domain.Batch, error) {
	var collected []domain.Batch
	commands := 0
	var full <-chan time.Time
	for {
		if commands < maxBatchCommands {
			select {
			case b, ok := <-batches:
				if !ok {
					return nil, errConsumerEnded
				}
				collected, commands = append(collected, b), commands+len(b.Commands)
				continue
			default:
			}
		}
		switch {
		case commands == 0: // nothing yet: wait as long as it takes
		case commands >= maxBatchCommands || commands < batchThreshold:
			return collected, nil
		case full == nil:
			full = time.After(batchWait)
		}
		select {
		case b, ok := <-batches:
			if !ok {
				return nil, errConsumerEnded
			}
			collected, commands = append(collected, b), commands+len(b.Commands)
		case <-full:
			return collected, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// dropDuplicates leaves out what came again. A hole must not be: deciding over it would decide otherwise than another node.
func (p *Projector) dropDuplicates(batches []domain.Batch) ([]domain.Batch, error) {
	next := p.message + 1
	var unseen []domain.Batch
	for _, b := range batches {
		switch {
		case b.Message < next:
		case b.Message > next:
			return nil, fmt.Errorf("COMMANDS has a hole: after message %d came %d", next-1, b.Message)
		default:
			unseen = append(unseen, b)
			next++
		}
	}
	return unseen, nil
}

// One transaction: the rules decide a batch, and everything that follows from it is written, or nothing is.

// errApply is a rule that broke while its event was made so: this node's state is no longer what the log says.
var errApply = errors.New("the rules broke")

// commitBatches decides the batches and writes everything that follows from it, or nothing.
func (p *Projector) commitBatches(batches []domain.Batch) error {
	commands := 0
	for _, b := range batches {
		commands += len(b.Commands)
	}
	start := time.Now()
	events := make([]pendingEvent, 0, commands) // most commands lead to one event
	var repeats []uint64                        // sequences of commands that ask again for what was decided
	cp := p.checkpoint
	err := p.store.update(func(tx *bolt.Tx) error {
		w := newWriter(tx)
		for _, b := range batches {
			for _, c := range b.Commands {
				if c.Sequence <= cp.sequence {
					continue // decided before the store was rebuilt
				}
				decided, err := p.decideOne(c)
				if err != nil {
					return err
				}
				if first, again := p.machine.Request(c.Request); again && first.Fingerprint == c.Fingerprint {
					repeats = append(repeats, c.Sequence)
				}
				for _, event := range decided {
					next, err := p.writeEvent(w, cp.hash, event)
					if err != nil {
						return err
					}
					events = append(events, next)
					cp.hash = next.record.Hash
				}
				cp.sequence = c.Sequence
			}
		}
		cp.events, cp.now = p.machine.LastEvent, p.machine.Now
		cp.confirmed = p.Confirmed()
		if err := w.flush(p.machine, p.trimmableUpTo()); err != nil {
			return err
		}
		if p.beforeCommit != nil {
			if err := p.beforeCommit(); err != nil {
				return err
			}
		}
		return cp.write(tx)
	})
	if err != nil {
		return err
	}
	// Committed. A crash from here on finds the events in the outbox.
	p.checkpoint, p.message = cp, batches[len(batches)-1].Message
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committed, p.logTime = cp, max(p.logTime, batches[len(batches)-1].At)
	for i := range events {
		p.counters.add(labelOf(events[i].row.Type, events[i].event.Event), !events[i].event.Request.IsZero())
	}
	p.rate.note(time.Now(), second{commands: commands, messages: len(batches), busy: time.Since(start)})
	if len(p.pending) == 0 {
		p.pending = events
	} else {
		p.pending = append(p.pending, events...)
	}
	for _, sequence := range repeats {
		p.waiters.cancel(sequence)
	}
	p.notify()
	return nil
}

// decideOne lets the shop do one command, and moves the heads, under the lock that readers of both take.
func (p *Projector) decideOne(c domain.Command) (decided []ConfirmedEvent, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("%w: applying what command %d led to: %v", errApply, c.Sequence, failure)
		}
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	events, failure := p.machine.Execute(c)
	if failure != nil {
		p.Logger.Error("a command broke the rules and is dead", "sequence", c.Sequence, "error", failure)
	}
	for _, e := range events {
		event := ConfirmedEvent{Event: e}
		if e.User != "" {
			event.PrevOfUser = advanceLast(p.unconfirmed.user, p.lastEvents.user, e.User, e.Number)
		}
		event.PrevOfEntity = advanceLast(p.unconfirmed.entity, p.lastEvents.entity, entityKey(e), e.Number)
		decided = append(decided, event)
	}
	return decided, nil
}

// writeEvent puts one event into the transaction.
func (p *Projector) writeEvent(w *writer, previous domain.Hash, event ConfirmedEvent) (pendingEvent, error) {
	e := event.Event
	record, err := p.Log.EncodeEvent(previous, e)
	if err != nil {
		return pendingEvent{}, fmt.Errorf("%w: event %d cannot be written: %w", errApply, e.Number, err)
	}
	name, _ := e.Body.Type()
	r := journalRow{Outcome{e.Request, e.Fingerprint, e.User, e.Entity, e.Sequence, e.Number, e.Now, name, record.Data()},
		event.PrevOfUser, event.PrevOfEntity}
	return pendingEvent{event, record, r}, w.writeEvent(p.machine, e, record, r)
}

// advanceLast makes n the newest of key and gives the one before it.
func advanceLast(unconfirmed, confirmed map[string]uint64, key string, n uint64) uint64 {
	prev, ok := unconfirmed[key]
	if !ok {
		prev = confirmed[key]
	}
	unconfirmed[key] = n
	return prev
}

// reload makes the shop what the store says, after a transaction that did not happen.
func (p *Projector) reload() error {
	return p.store.view(func(tx *bolt.Tx) error {
		loaded := newLoadedState()
		if err := loaded.load(tx); err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.machine, p.unconfirmed, p.counters = loaded.machine, loaded.lastEvents, loaded.counters
		maps.DeleteFunc(p.unconfirmed.user, func(_ string, n uint64) bool { return n <= p.confirmed })
		maps.DeleteFunc(p.unconfirmed.entity, func(_ string, n uint64) bool { return n <= p.confirmed })
		return nil
	})
}
