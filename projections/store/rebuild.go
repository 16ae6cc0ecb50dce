// Rebuilding a store from EVENTS: the same rows by the same code, in large transactions without fsync, since an interrupted
// rebuild is simply started again.

package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"onsale/domain"
	"onsale/projections/readahead"
)

// rebuildBatch is how many events share a transaction.
const rebuildBatch = 20_000

// Rebuild creates the store at path from the first last events. It stops behind the last event that completes its command: a
// command of which EVENTS has a part only is decided again and compared.
func Rebuild(ctx context.Context, path, epoch string, log EventLog, last uint64) (*Store, State, error) {
	state := newState()
	tmp := path + ".rebuilding"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, state, err
	}
	s, err := openVerified(tmp, epoch, log)
	if err != nil {
		return nil, state, err
	}
	s.unsynced = true
	if err := s.fill(ctx, last, &state); err != nil {
		s.Close()
		return nil, state, fmt.Errorf("rebuilding the read store: %w", err)
	}
	s.unsynced = false
	if err := errors.Join(s.db.Sync(), s.Close()); err != nil {
		return nil, state, err
	}
	// Only a complete store gets the name. A crash before this line leaves none, and the next start rebuilds again.
	if err := os.Rename(tmp, path); err != nil {
		return nil, state, err
	}
	s, err = openVerified(path, epoch, log)
	return s, state, err
}

// decodedEvent is an event with its bytes.
type decodedEvent struct {
	event  domain.Event
	record domain.Record
}

// fill reads EVENTS up to last and writes it in batches that end with a command.
func (s *Store) fill(ctx context.Context, last uint64, state *State) error {
	if last == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var batch []decodedEvent
	complete := 0 // events of batch whose commands are complete
	read := uint64(0)
	for e, err := range readEvents(ctx, s.log, last) {
		if err != nil {
			return err
		}
		batch, read = append(batch, e), e.event.Number
		if e.event.Last {
			complete = len(batch)
		}
		if complete >= rebuildBatch {
			if err := s.applyBatch(state, batch[:complete]); err != nil {
				return err
			}
			batch, complete = append(batch[:0], batch[complete:]...), 0
		}
	}
	if read != last {
		return errors.Join(ctx.Err(), errors.New("EVENTS ended early"))
	}
	return s.applyBatch(state, batch[:complete])
}

// readEvents reads up to last, checks the hash chain and decodes, in a goroutine beside the one that writes. It ends with last, an
// error or ctx.
func readEvents(ctx context.Context, log EventLog, last uint64) iter.Seq2[decodedEvent, error] {
	return readahead.Seq(func(yield func(decodedEvent, error) bool) {
		var hash domain.Hash
		var prev uint64
		for record, err := range log.Events(ctx, 1, "") {
			if err == nil && record.Number != prev+1 {
				err = fmt.Errorf("event %d is followed by %d", prev, record.Number)
			}
			prev = record.Number
			if hash = hash.Next(record.Subject, record.Payload); err == nil && hash != record.Hash {
				err = fmt.Errorf("event %d was altered: its hash does not follow from its bytes", record.Number)
			}
			var e domain.Event
			if err == nil {
				e, err = log.DecodeEvent(record)
			}
			if err != nil {
				err = fmt.Errorf("%w: %w", ErrEvents, err)
			}
			if !yield(decodedEvent{e, record}, err) || record.Number == last {
				return
			}
		}
	})
}

// applyBatch applies events to the machine and writes their rows.
func (s *Store) applyBatch(state *State, batch []decodedEvent) error {
	if len(batch) == 0 {
		return nil
	}
	return s.update(func(tx *transaction) error {
		w := newWriter(tx, state.Machine)
		for _, next := range batch {
			state.Machine.Apply(next.event)
			state.Counters.Add(next.event)
			if err := w.Put(next.event, state.LastEvents.advance(next.event.Number, KeysOf(next.event)), next.record); err != nil {
				return err
			}
		}
		end := batch[len(batch)-1]
		n := end.event.Number
		return w.Finish(Checkpoint{Sequence: end.event.Sequence, Events: n, Confirmed: n, Now: end.event.Now, Hash: end.record.Hash}, 0)
	})
}
