// Recovery: before anything is decided, the store and the two logs are compared. What one of them lost in a crash is completed
// from the others; when that is impossible the node halts.

package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"onsale/domain"
	"onsale/projections/store"
)

// Recovery is what Open found and did.
type Recovery struct {
	RebuildReason string // why the store was rebuilt from EVENTS; "": it was not
	Events        uint64 // events in the store
	Republished   int    // events that EVENTS had lost and that are published again from the outbox
	Noops         uint64 // messages that COMMANDS had lost and that were replaced by no-ops
}

// historyTimeout bounds the read of one event at start.
const historyTimeout = 30 * time.Second

// ErrInconsistent: a log has lost what the store or the other log has.
var ErrInconsistent = errors.New("the logs are inconsistent")

// Open opens the read store and recovers. With ErrInconsistent the projector that it returns is halted, shows the reason in its
// Status, and must not Run.
func Open(ctx context.Context, c Config) (*Projector, Recovery, error) {
	p := &Projector{Config: c, unconfirmed: map[store.Key]uint64{}, conditions: map[*condition]struct{}{}, failed: make(chan error, 1), waiters: waiters{}, metrics: newMetrics()}
	p.doubt.watch, p.doubt.ask = cmp.Or(c.doubt.watch, watchdogInterval), cmp.Or(c.doubt.ask, doubtInterval)
	p.doubt.patience = cmp.Or(c.doubt.patience, doubtPatience)
	state, err := c.Log.State(ctx)
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("log state unavailable: %w", err)
	}
	var recovery Recovery
	recovery.RebuildReason, err = p.openStore(ctx, state.Events.Last)
	p.Exporter = p.store.Exporter(p.haltedError, p.Confirmed)
	if err == nil {
		err = p.restore(ctx, state, &recovery)
	}
	if errors.Is(err, ErrInconsistent) {
		advice := "restore the data directory, or the log, from copies of the same moment and start again"
		if errors.Is(err, errLastWitness) {
			advice = fmt.Sprintf("nothing was changed. To accept that the last events before the restart are forgotten, move %s away and start again", c.Path)
		}
		err = fmt.Errorf("%w; %s", err, advice)
		p.halted.Store(&haltState{err.Error(), true})
		c.Logger.Error("halted before the first decision", "reason", err.Error())
		return p, recovery, err
	}
	if err != nil && p.store != nil {
		p.store.Close()
	}
	return p, recovery, err
}

// openStore opens the store and loads its state. A store that is missing while EVENTS has events, damaged, or of another layout
// is rebuilt from EVENTS, unless it may be the last witness. One of another log is refused: two data directories were mixed up.
func (p *Projector) openStore(ctx context.Context, lastEvent uint64) (rebuildReason string, err error) {
	reading := p.Reading
	if reading == nil {
		reading = store.StartReading(p.Path)
	}
	reading.Wait()
	var state store.State
	switch info, statErr := os.Stat(p.Path); {
	case lastEvent > 0 && errors.Is(statErr, fs.ErrNotExist):
		rebuildReason = "it was missing"
	case lastEvent > 0 && statErr == nil && info.Size() == 0:
		rebuildReason = "it was empty"
	default:
		p.store, state, err = reading.Open(p.Epoch, p.Log)
	}
	if errors.Is(err, store.ErrDamaged) && p.mayBeTorn() {
		if reverted, revertErr := store.RevertTorn(p.Path); revertErr != nil {
			return "", revertErr
		} else if reverted {
			p.Logger.Warn("power was lost during a transaction of the read store; it returns to the one before", "reason", err)
			p.store, state, err = store.Open(p.Path, p.Epoch, p.Log)
		}
	}
	if errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrLayout) {
		rebuildReason = err.Error()
		if err := p.checkMayRebuild(err, lastEvent); err != nil {
			return "", fmt.Errorf("%w: %w", ErrInconsistent, err)
		}
		quarantine := fmt.Sprintf("%s.damaged-%s", p.Path, time.Now().UTC().Format("20060102T150405"))
		if err := os.Rename(p.Path, quarantine); err != nil {
			return "", err
		}
		p.Logger.Warn("the read store cannot be used; moved away, rebuilding from EVENTS", "to", quarantine, "reason", rebuildReason)
	}
	if rebuildReason != "" {
		p.store, state, err = store.Rebuild(ctx, p.Path, p.Epoch, p.Log, lastEvent)
	}
	if errors.Is(err, store.ErrEpoch) || errors.Is(err, store.ErrEvents) {
		err = fmt.Errorf("%w: %w", ErrInconsistent, err)
	}
	if err != nil {
		return rebuildReason, err
	}
	p.store.OnDamage(p.storeDamaged)
	p.machine, p.lastEvents, p.counters = state.Machine, state.LastEvents, state.Counters
	p.restoreSoldOut()
	return rebuildReason, nil
}

// restore compares the store with the logs and sets everything to where the last run ended.
func (p *Projector) restore(ctx context.Context, state domain.LogState, recovery *Recovery) error {
	first, last, err := p.store.OutboxRange()
	if err != nil {
		return err
	}
	if p.checkpoint, err = p.store.Checkpoint(); err != nil {
		return err
	}
	if state, err = p.consistentState(ctx, state, first, last); err != nil {
		return err
	}
	if err := p.checkHistory(ctx, state.Events.Last); err != nil {
		return err
	}
	if err := p.checkPadding(state.Commands.Last, first); err != nil {
		return err
	}
	cp := p.checkpoint
	p.committed, p.logTime = cp, cp.Now
	if n := cp.Sequence / domain.SequencesPerMessage; n > 0 {
		p.message = n - 1 // some or all of its commands are decided: it is read again
	}
	p.confirmed = min(cp.Confirmed, state.Events.Last)
	p.eventsEnd.Store(state.Events.Last)
	p.commandsEnd.Store(state.Commands.Last)
	p.endUnknown = !p.Log.Embedded()
	p.startTarget = store.Checkpoint{Sequence: state.Commands.Last * domain.SequencesPerMessage, Events: state.Events.Last}
	recovery.Events = cp.Events
	if cp.Events > state.Events.Last && cp.Confirmed > state.Events.Last {
		recovery.Republished = int(cp.Confirmed - state.Events.Last)
	}
	if message := cp.Sequence / domain.SequencesPerMessage; message > state.Commands.Last {
		// Power was lost before COMMANDS was on disk, but the outcomes are in the store. Their sequences must not be assigned again.
		recovery.Noops = message - state.Commands.Last
		if err := p.Log.AppendNoops(ctx, message); err != nil {
			return fmt.Errorf("filling COMMANDS up to message %d: %w", message, err)
		}
	}
	if err := p.restorePending(); err != nil {
		return err
	}
	p.publishedBefore = cp.Events
	return p.noteRunning(p.confirmed >= cp.Events || p.checkPublished(state.Events.Last) == nil)
}

// consistentState returns a state of the logs with which the node may go on. On a cluster it asks for a while before it believes that
// there is none.
func (p *Projector) consistentState(ctx context.Context, state domain.LogState, first, last uint64) (domain.LogState, error) {
	for d := (doubt{}); ; {
		wrong := p.checkConsistent(state, first, last)
		if wrong == nil {
			return state, nil
		}
		if d.note(wrong, time.Now(), p.doubt.patience) || p.Log.Embedded() {
			return state, fmt.Errorf("%w: %w", ErrInconsistent, wrong)
		}
		p.Logger.Warn("a server says that the log is damaged, asking again", "reason", wrong)
		for {
			if err := sleep(ctx, p.doubt.ask); err != nil {
				return state, err
			}
			var err error
			if state, err = p.Log.State(ctx); err == nil {
				break
			}
			p.Logger.Warn("log state unavailable", "error", err)
		}
	}
}

// checkConsistent says why the node must not go on. first and last are the outbox's.
func (p *Projector) checkConsistent(state domain.LogState, first, last uint64) error {
	// What the outbox holds can be published again, so EVENTS may end anywhere in it.
	covered := p.checkpoint.Events
	if last != 0 {
		covered = first - 1
		if last != p.checkpoint.Events {
			return fmt.Errorf("the outbox ends at event %d, the store at %d", last, p.checkpoint.Events)
		}
	}
	sequence := p.checkpoint.Sequence
	if p.Log.Embedded() && state.Events.Last >= covered {
		sequence = min(sequence, state.Commands.Last*domain.SequencesPerMessage) // no-ops will fill the rest
	}
	return checkLogs(state, sequence, min(covered, p.checkpoint.Events))
}

// checkPadding bounds what is replaced by no-ops. A power loss takes commands of the last moments only, whose events are in the outbox,
// which begins at event outbox; 0: it is empty. Commands without events had no outcome.
func (p *Projector) checkPadding(lastMessage, outbox uint64) error {
	if p.checkpoint.Sequence/domain.SequencesPerMessage <= lastMessage {
		return nil
	}
	lost, err := p.store.EventNumberAfter((lastMessage+1)*domain.SequencesPerMessage - 1)
	if err != nil || lost > p.checkpoint.Events || outbox != 0 && lost >= outbox {
		return err
	}
	return fmt.Errorf("%w: COMMANDS is too short: it ends at message %d, and the command of event %d came after it. A power loss takes less: "+
		"COMMANDS was damaged, or restored from an older copy. Without a newer copy, \"onsale repair --accept-lost-commands\" puts no-ops in their place", ErrInconsistent, lastMessage, lost)
}

// restorePending makes the unconfirmed events of the outbox pending again.
func (p *Projector) restorePending() error {
	records, err := p.store.Outbox(p.confirmed + 1)
	if err != nil || len(records) == 0 {
		return err
	}
	links, err := p.store.Links(records[0].Number, records[len(records)-1].Number)
	if err != nil {
		return err
	}
	for i, record := range records {
		e, err := p.Log.DecodeEvent(record)
		if err != nil {
			return err
		}
		p.pending = append(p.pending, pendingEvent{ConfirmedEvent{e, links[i]}, store.KeysOf(e), record})
	}
	// The last events that are not confirmed move to unconfirmed, and lastEvents gets the confirmed ones before them.
	for _, pending := range slices.Backward(p.pending) {
		e := pending.event
		unwind := func(key store.Key, prev uint64) {
			if p.unconfirmed[key] == 0 {
				p.unconfirmed[key] = e.Number
			}
			p.lastEvents.Set(key, prev)
		}
		if e.User != "" {
			unwind(pending.keys.User, e.PrevOfUser)
		}
		unwind(pending.keys.Entity, e.PrevOfEntity)
	}
	return nil
}

// Close closes the store, after Run has returned.
func (p *Projector) Close() error {
	if p.store == nil {
		return nil // it was not opened: the file belongs to another log
	}
	p.saveState()
	// Until the store is closed a power loss may tear its last transaction, which the next start reverts only without the note.
	return errors.Join(p.store.Close(), p.noteClosed())
}

// saveState saves the state for the next start, where it is that of the last commit.
func (p *Projector) saveState() {
	if p.halted.Load() != nil {
		return
	}
	p.mu.Lock()
	for key, n := range p.unconfirmed {
		p.lastEvents.Set(key, n) // the store's last events are those that are decided
	}
	p.mu.Unlock()
	if err := p.store.SaveState(store.State{Machine: p.machine, LastEvents: p.lastEvents, Counters: p.counters}); err != nil {
		p.Logger.Warn("the state was not saved: the next start reads all rows", "error", err)
	}
}
