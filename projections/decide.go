// Deciding: batches of commands become events, in one transaction each time.

package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"onsale/domain"
	"onsale/projections/store"
)

const (
	maxBatchCommands = 2_000 // of one transaction: some 15 ms of work, which bounds how long a command waits for the next one
	batchThreshold   = 12    // commands from which waiting for more is worthwhile: a transaction costs as much as 40 of them
	batchWait        = 2 * time.Millisecond
	commitRetry      = time.Second
)

// decide decides the batches of COMMANDS as they arrive, several in one transaction when they arrive fast.
func (p *Projector) decide(ctx context.Context) error {
	// The last message may be decided in part, when the store was rebuilt from EVENTS, so it is read again.
	commands, err := p.ConsumeCommands(ctx, max(1, p.checkpoint.Sequence/domain.SequencesPerMessage))
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
			if errors.Is(err, errApply) || errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrPanicked) {
				return err
			}
			// Probably the disk is full. The store is unchanged; the machine is loaded from it again.
			p.Logger.Error("commit failed, retrying", "error", err)
			if err := p.reload(); err != nil {
				return err
			}
			if sleep(ctx, commitRetry) != nil {
				return nil
			}
		}
	}
}

var errConsumerEnded = errors.New("the consumer of COMMANDS ended")

// collect waits for one batch and takes the others that are there. From batchThreshold commands on it waits a little for more.
func collect(ctx context.Context, batches <-chan domain.Batch) ([]domain.Batch, error) {
	var collected []domain.Batch
	commands := 0
	var full <-chan time.Time // nil: no limit
	for commands < maxBatchCommands {
		var b domain.Batch
		var ok bool
		select {
		case b, ok = <-batches:
		default:
			if 0 < commands && commands < batchThreshold {
				return collected, nil
			}
			if commands > 0 && full == nil {
				full = time.After(batchWait)
			}
			select {
			case b, ok = <-batches:
			case <-full:
				return collected, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if !ok {
			return nil, errConsumerEnded
		}
		collected, commands = append(collected, b), commands+len(b.Commands)
	}
	return collected, nil
}

// dropDuplicates removes messages that were delivered again. A gap is an error: deciding past it would diverge from other nodes.
func (p *Projector) dropDuplicates(batches []domain.Batch) ([]domain.Batch, error) {
	next := p.message + 1
	var unseen []domain.Batch
	for _, b := range batches {
		switch {
		case b.Message < next:
		case b.Message > next:
			return nil, fmt.Errorf("%w: COMMANDS has a gap: message %d is followed by %d", errDoubtful, next-1, b.Message)
		default:
			unseen = append(unseen, b)
			next++
		}
	}
	return unseen, nil
}

// errApply: a rule panicked while its event was applied, so the machine no longer agrees with the log.
var errApply = errors.New("the rules failed")

// commitBatches decides the batches and writes all resulting events in one transaction.
func (p *Projector) commitBatches(batches []domain.Batch) error {
	commands := 0
	for _, b := range batches {
		commands += len(b.Commands)
	}
	start := time.Now()
	events := make([]pendingEvent, 0, commands) // most commands lead to one event
	var repeats []uint64                        // sequences of commands that repeat an earlier request
	cp := p.checkpoint
	err := p.store.Update(p.machine, func(w *store.Writer) error {
		for _, b := range batches {
			for _, c := range b.Commands {
				if c.Sequence <= cp.Sequence {
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
					if event.record, err = p.writeEvent(w, cp.Hash, event.event); err != nil {
						return err
					}
					events = append(events, event)
					cp.Hash = event.record.Hash
				}
				cp.Sequence = c.Sequence
			}
		}
		cp.Events, cp.Now = p.machine.LastEvent, p.machine.Now
		cp.Confirmed = p.Confirmed()
		if err := w.Finish(cp, p.trimmableUpTo()); err != nil {
			return err
		}
		if p.beforeCommit != nil {
			return p.beforeCommit()
		}
		return nil
	})
	if err != nil {
		return err
	}
	// Crash point: committed and not published. Recovery finds the events in the outbox.
	p.checkpoint, p.message = cp, batches[len(batches)-1].Message
	if p.OnDecided != nil {
		for i := range events {
			p.OnDecided(&events[i].event.Event, start)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committed, p.logTime = cp, max(p.logTime, batches[len(batches)-1].At)
	for i := range events {
		p.counters.Add(events[i].event.Event)
	}
	p.rate.note(time.Now(), second{commands: commands, messages: len(batches), busy: time.Since(start)})
	p.noteSoldOut(events)
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

// decideOne executes one command on the machine and links its events, which have no record yet, under the lock that their readers take.
func (p *Projector) decideOne(c domain.Command) (decided []pendingEvent, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("%w: applying the events of command %d: %v", errApply, c.Sequence, panicked)
		}
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	events, failure := p.machine.Execute(c)
	if failure != nil {
		p.Logger.Error("a rule panicked; the command is a dead letter", "sequence", c.Sequence, "error", failure)
	}
	for _, e := range events {
		keys := store.KeysOf(e)
		decided = append(decided, pendingEvent{event: ConfirmedEvent{e, p.link(e.Number, keys)}, keys: keys})
	}
	return decided, nil
}

func (p *Projector) writeEvent(w *store.Writer, previous domain.Hash, event ConfirmedEvent) (domain.Record, error) {
	record, err := p.Log.EncodeEvent(previous, event.Event)
	if err != nil {
		return record, fmt.Errorf("%w: event %d cannot be encoded: %w", errApply, event.Number, err)
	}
	return record, w.Put(event.Event, event.Links, record)
}

// reload loads the machine from the store, after a transaction that was not committed.
func (p *Projector) reload() error {
	state, err := p.store.Load()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.machine, p.unconfirmed, p.counters = state.Machine, maps.Collect(state.LastEvents.After(p.confirmed)), state.Counters
	p.restoreSoldOut()
	return nil
}
