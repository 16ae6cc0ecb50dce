// The last witness: after a power loss the outbox of the store may be the only copy of events that were published. A damaged
// store is rebuilt only when EVENTS surely has everything that was published, which a note beside the store's file tells.

package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"onsale/domain"
	"onsale/projections/store"
)

// errLastWitness: the store cannot be used, and EVENTS may lack events that it has.
var errLastWitness = errors.New("the read store may be the only copy of the last published events")

// runNote is about the run that used the store last.
type runNote struct {
	Boot    string  `json:"boot,omitempty"`    // of the machine while it ran; "": unknown, or EVENTS lacked published events
	Durable bool    `json:"durable,omitempty"` // what EVENTS acknowledges survives a power loss
	Closed  *uint64 `json:"closed,omitempty"`  // it has ended, and this was the last published event
}

func (p *Projector) notePath() string { return p.Path + ".run" }

// checkMayRebuild returns errLastWitness if a store that cannot be used, because of cause, may have events that EVENTS lacks.
func (p *Projector) checkMayRebuild(cause error, lastEvent uint64) error {
	// Without a note nothing was published yet, or by an older program, which wrote none.
	if _, err := os.Stat(p.notePath()); errors.Is(err, fs.ErrNotExist) && (lastEvent == 0 || errors.Is(cause, store.ErrLayout)) {
		return nil
	}
	if err := p.checkPublished(lastEvent); err != nil {
		return fmt.Errorf("%w: %w; %w", errLastWitness, cause, err)
	}
	return nil
}

// lastNote is that of the last run; the zero value if there is none that can be read.
func (p *Projector) lastNote() (note runNote) {
	if content, err := os.ReadFile(p.notePath()); err != nil || json.Unmarshal(content, &note) != nil {
		return runNote{}
	}
	return note
}

// mayBeTorn says whether the machine may have stopped while the store was in use. A process that is killed tears no transaction.
func (p *Projector) mayBeTorn() bool {
	note := p.lastNote()
	return note.Closed == nil && (note.Boot == "" || note.Boot != bootID())
}

// checkPublished returns an error unless EVENTS, which ends at lastEvent, surely has everything that the last run has published.
func (p *Projector) checkPublished(lastEvent uint64) error {
	note := p.lastNote()
	switch {
	case note.Closed != nil && *note.Closed > lastEvent:
		return fmt.Errorf("EVENTS ends at event %d, and event %d was published", lastEvent, *note.Closed)
	case note.Closed != nil, note.Durable, !p.Log.Embedded(): // a power loss of this machine takes nothing from EVENTS
		return nil
	case note.Boot != "" && note.Boot == bootID(): // nor does a process that was killed
		return nil
	}
	return errors.New("the machine was restarted while the node ran, and the end of EVENTS may not have been on disk")
}

// noteRunning says that this run publishes events. published says that EVENTS has everything that earlier runs have published.
func (p *Projector) noteRunning(published bool) error {
	note := runNote{Durable: p.EventsDurable || !p.Log.Embedded()}
	if published {
		note.Boot = bootID()
	}
	p.noted.Store(published)
	return p.writeNote(note)
}

// noteWhenPublished completes the note of a run that has to publish again what EVENTS had lost.
func (p *Projector) noteWhenPublished(ctx context.Context) error {
	if p.noted.Load() || p.WaitConfirmed(ctx, p.publishedBefore) != nil {
		return nil
	}
	return p.noteRunning(true)
}

// noteClosed says which event this run published last.
func (p *Projector) noteClosed() error {
	if !p.noted.Load() {
		return nil
	}
	last := p.Confirmed()
	return p.writeNote(runNote{Closed: &last, Durable: p.EventsDurable || !p.Log.Embedded()})
}

// writeNote replaces the note on disk. A note that could not be written whole is none: it allows less.
func (p *Projector) writeNote(note runNote) error {
	content, err := json.Marshal(note)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(p.notePath(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = f.Write(append(content, '\n'))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		return syncDir(filepath.Dir(p.Path))
	}
	if removeErr := os.Remove(p.notePath()); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
		return errors.Join(err, removeErr)
	}
	p.Logger.Warn("no note beside the read store: after a power loss a damaged store cannot be rebuilt", "error", err)
	return nil
}

// bootID changes with each start of the machine; "": unknown.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // Linux
	return strings.TrimSpace(string(id))
}

// checkHistory compares the hash of the last event that store and EVENTS both have, and the outbox behind it, with those of the store:
// whole rows of another history are not this log's.
func (p *Projector) checkHistory(ctx context.Context, lastEvent uint64) error {
	n := min(p.checkpoint.Events, lastEvent)
	if n == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	var hash domain.Hash
	for record, err := range p.Log.EventHashes(ctx, n) {
		if errors.Is(err, domain.ErrUnreadable) || errors.Is(err, domain.ErrForeign) {
			return fmt.Errorf("%w: %w", ErrInconsistent, err)
		}
		if err != nil {
			return fmt.Errorf("reading event %d of EVENTS: %w", n, err)
		}
		hash = record.Hash
		break
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("reading event %d of EVENTS: %w", n, err)
	}
	records, err := p.store.Outbox(n + 1)
	if err != nil {
		return err
	}
	for _, record := range records {
		if hash = hash.Next(record.Subject, record.Payload); hash != record.Hash {
			return fmt.Errorf("%w: event %d of the outbox does not follow from event %d in EVENTS", ErrInconsistent, record.Number, n)
		}
	}
	if hash != p.checkpoint.Hash {
		return fmt.Errorf("%w: event %d in EVENTS is not what this node has decided: hash %s there, %s here",
			ErrInconsistent, p.checkpoint.Events, hash, p.checkpoint.Hash)
	}
	return nil
}
