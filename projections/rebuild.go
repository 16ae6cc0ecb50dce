// Rebuilding the store from EVENTS: the same rows by the same code as on any day, in large transactions without fsync,
// since a rebuild that is cut short is simply begun again.

package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

// openOrRebuild opens the store and reads the past from it; one that is missing beside a log with events, or damaged, or from
// another layout is made anew from EVENTS. One from another log is refused: somebody has mixed up two data directories.
func openOrRebuild(ctx context.Context, c Config, state domain.LogState, loaded *loadedState) (*Store, string, error) {
	_, missing := os.Stat(c.Path)
	err := verifyFile(c.Path, loaded.load, bucketsLoaded...)
	if err == nil && (missing == nil || state.Events.Last == 0) {
		var s *Store
		if s, err = openStore(c.Path, c.Epoch); err == nil {
			return s, "", nil
		}
	}
	reason := "it was missing"
	switch {
	case errors.Is(err, ErrEpoch):
		return nil, "", fmt.Errorf("%w: %w", ErrInconsistent, err)
	case errors.Is(err, errDamaged):
		reason = err.Error()
		quarantine := fmt.Sprintf("%s.damaged-%s", c.Path, time.Now().UTC().Format("20060102T150405"))
		if err := os.Rename(c.Path, quarantine); err != nil {
			return nil, "", err
		}
		c.Logger.Warn("the read store is damaged; it was put aside and is made anew from EVENTS", "aside", quarantine, "reason", reason)
	case err != nil:
		return nil, "", err
	}
	s, err := rebuild(ctx, c.Path, c.Epoch, c.Log, state.Events.Last, loaded)
	return s, reason, err
}

// rebuildBatch is how many events share a transaction.
const rebuildBatch = 20_000

// Rebuild makes the store at path from the first last events. It ends with the last event that closes its command: what
// EVENTS holds of a command that was cut short is decided again and compared.
func Rebuild(ctx context.Context, path, epoch string, log EventReader, last uint64) (*Store, error) {
	loaded := newLoadedState()
	return rebuild(ctx, path, epoch, log, last, &loaded)
}

// rebuild leaves the past that the new store holds in past.
func rebuild(ctx context.Context, path, epoch string, log EventReader, last uint64, loaded *loadedState) (*Store, error) {
	tmp := path + ".rebuilding"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s, err := OpenStore(tmp, epoch)
	if err != nil {
		return nil, err
	}
	s.db.NoSync = true
	if err := s.fill(ctx, log, last, loaded); err != nil {
		s.Close()
		return nil, fmt.Errorf("rebuilding the read store: %w", err)
	}
	s.db.NoSync = false
	if err := s.db.Sync(); err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	// Only a whole store gets the name. A crash before this line leaves none, and the next start begins again.
	if err := os.Rename(tmp, path); err != nil {
		return nil, err
	}
	return openStore(path, epoch)
}

// decodedEvent is an event with its bytes.
type decodedEvent struct {
	event  domain.Event
	record domain.Record
}

// fill reads EVENTS up to last and writes it in batches that end with a command.
func (s *Store) fill(ctx context.Context, log EventReader, last uint64, loaded *loadedState) error {
	*loaded = newLoadedState()
	if last == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, failed := readEvents(ctx, log, last)
	rb := rebuilder{s, loaded}
	var batch []decodedEvent
	complete := 0 // events of batch that belong to commands which are whole
	for e := range events {
		batch = append(batch, e)
		if e.event.Last {
			complete = len(batch)
		}
		if complete >= rebuildBatch {
			if err := rb.apply(batch[:complete]); err != nil {
				return err
			}
			batch, complete = append(batch[:0], batch[complete:]...), 0
		}
	}
	if err := <-failed; err != nil {
		return err
	}
	return rb.apply(batch[:complete])
}

// readEvents reads, checks the chain and decodes beside the goroutine that writes.
func readEvents(ctx context.Context, log EventReader, last uint64) (<-chan decodedEvent, <-chan error) {
	events, failed := make(chan decodedEvent, 1024), make(chan error, 1)
	go func() {
		defer close(events)
		var hash domain.Hash
		next := uint64(1)
		for record, err := range log.Events(ctx, 1, "") {
			if err == nil && record.Number != next {
				err = fmt.Errorf("EVENTS has a hole: event %d is followed by %d", next-1, record.Number)
			}
			if hash = hash.Next(record.Subject, record.Payload); err == nil && hash != record.Hash {
				err = fmt.Errorf("event %d is not what was written: its hash does not follow from its bytes", record.Number)
			}
			var e domain.Event
			if err == nil {
				e, err = log.DecodeEvent(record)
			}
			if err != nil {
				failed <- fmt.Errorf("%w: %w", ErrInconsistent, err)
				return
			}
			select {
			case events <- decodedEvent{e, record}:
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			}
			if next++; record.Number == last {
				failed <- nil
				return
			}
		}
		failed <- errors.Join(ctx.Err(), errors.New("EVENTS ended early"))
	}()
	return events, failed
}

// rebuilder writes events that are facts.
type rebuilder struct {
	store *Store
	*loadedState
}

func (rb *rebuilder) apply(batch []decodedEvent) error {
	if len(batch) == 0 {
		return nil
	}
	return rb.store.update(func(tx *bolt.Tx) error {
		w := newWriter(tx)
		for _, next := range batch {
			e := next.event
			rb.machine.Apply(e)
			r := journalRow{Outcome: Outcome{e.Request, e.Fingerprint, e.User, e.Entity, e.Sequence, e.Number, e.Now, typeOf(e), next.record.Data()}}
			rb.counters.add(labelOf(r.Type, e), !e.Request.IsZero())
			if e.User != "" {
				r.prevOfUser, rb.lastEvents.user[e.User] = rb.lastEvents.user[e.User], e.Number
			}
			entity := entityKey(e)
			r.prevOfEntity, rb.lastEvents.entity[entity] = rb.lastEvents.entity[entity], e.Number
			if err := w.writeEvent(rb.machine, e, domain.Record{}, r); err != nil {
				return err
			}
		}
		if err := w.flush(rb.machine, 0); err != nil {
			return err
		}
		end := batch[len(batch)-1]
		return checkpoint{end.event.Sequence, end.event.Number, end.event.Number, end.event.Now, end.record.Hash}.write(tx)
	})
}

func typeOf(e domain.Event) string {
	name, _ := e.Body.Type()
	return name
}
