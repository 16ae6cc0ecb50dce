// Doubt: the watchdog checks that the logs have lost nothing. On a cluster what a server says of them is a reason to halt only when it
// stays so, and a halt for such a reason ends when the logs prove whole. An embedded server knows its own logs.

package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/domain"
)

const (
	watchdogInterval = 2 * time.Second
	doubtInterval    = time.Second // while there is a doubt

	// doubtPatience is how long a log must look damaged before the node halts. An election takes 4 to 9 s; a leader that was stopped or
	// cut off answers from its old state until it has heard of its successor, which takes longer on a busy machine.
	doubtPatience = 30 * time.Second
	minBadAnswers = 10 // in that time: a log that does not answer says nothing

	trustAfter      = 3 // good answers in a row that end a doubt
	trustAfterHalt  = 5 // and a halt
	provingMessages = 1000
	provingTimeout  = 10 * time.Second
)

// errDoubtful marks a reason to halt that rests on what servers say, not on what this node has compared.
var errDoubtful = errors.New("the log looks damaged")

// errDifference: EVENTS has another event than this node has confirmed. That is final.
var errDifference = errors.New("the logs differ from what this node has published")

func isDoubtful(err error) bool {
	return errors.Is(err, errDoubtful) || errors.Is(err, domain.ErrUnreadable)
}

// doubtTimes are the constants above, in tests shorter ones.
type doubtTimes struct{ watch, ask, patience time.Duration }

// doubt judges the answers of servers about the logs, one after the other.
type doubt struct {
	reason    string // of the last bad answer; "" while there is no doubt
	since     time.Time
	bad, good int // answers in a row
}

// note takes an answer: nil, or what is wrong with the logs by it. It says whether that is to be believed.
func (d *doubt) note(wrong error, now time.Time, patience time.Duration) (believed bool) {
	if wrong == nil {
		d.bad = 0
		if d.good++; d.good >= trustAfter {
			d.reason = ""
		}
		return false
	}
	if d.bad == 0 {
		d.since = now
	}
	d.bad++
	d.good, d.reason = 0, wrong.Error()
	return d.bad >= minBadAnswers && now.Sub(d.since) >= patience
}

// watchdog checks that the logs have lost nothing. nats-server reports a log as healthy that has lost its middle or its end, and
// assigns the lost sequences again.
func (p *Projector) watchdog(ctx context.Context) error {
	var d doubt
	interval := p.doubt.watch
	for sleep(ctx, interval) == nil {
		state, wrong, err := p.checkState(ctx)
		if err != nil {
			p.Logger.Warn("log state unavailable", "error", err)
			continue
		}
		if wrong != nil && p.Log.Embedded() {
			return wrong
		}
		if d.note(wrong, time.Now(), p.doubt.patience) {
			return fmt.Errorf("%w: %w", errDoubtful, wrong)
		}
		p.showDoubt(d.reason)
		interval = p.doubt.watch
		if d.reason != "" {
			interval = p.doubt.ask
		}
		p.raiseCommandsEnd(state.Commands.Last)
	}
	return nil
}

// checkState asks for the state of the logs, and says what is wrong with it.
func (p *Projector) checkState(ctx context.Context) (state domain.LogState, wrong, err error) {
	// Read before the logs, which can only be further than this.
	p.mu.RLock()
	sequence, confirmed := p.committed.Sequence, p.confirmed
	p.mu.RUnlock()
	if state, err = p.Log.State(ctx); err != nil {
		return state, nil, err
	}
	return state, checkLogs(state, sequence, confirmed), nil
}

// showDoubt makes the doubt visible in Status, and logs when it begins and ends.
func (p *Projector) showDoubt(reason string) {
	before := p.doubtShown.Load()
	switch {
	case reason == "" && before != nil:
		p.doubtShown.Store(nil)
		p.Logger.Info("the logs are whole")
	case reason != "" && before == nil:
		p.Logger.Warn("a server says that the log is damaged, asking again", "reason", reason)
		fallthrough
	case reason != "":
		p.doubtShown.Store(&reason)
	}
}

// waitWhole waits, after a halt by doubt, until the logs have been whole in several answers in a row and can be read from where this
// node is.
func (p *Projector) waitWhole(ctx context.Context) error {
	for good := 0; good < trustAfterHalt; {
		if err := sleep(ctx, p.doubt.ask); err != nil {
			return err
		}
		state, wrong, err := p.checkState(ctx)
		if good++; err != nil || wrong != nil {
			good = 0
		}
		if good == trustAfterHalt {
			if err := p.prove(ctx, state); errors.Is(err, errDifference) {
				p.halted.Store(nil)
				p.halt(err)
				return err
			} else if err != nil {
				p.Logger.Warn("the logs look whole but cannot be read, still halted", "error", err)
				good = 0
			}
		}
	}
	return ctx.Err()
}

// prove reads both logs from where this node is, up to their end or as far as is enough.
func (p *Projector) prove(ctx context.Context, state domain.LogState) error {
	ctx, cancel := context.WithTimeout(ctx, provingTimeout)
	defer cancel()
	if state.Events.Last > 0 {
		if err := p.proveEvents(ctx, state.Events.Last); err != nil {
			return err
		}
	}
	if state.Commands.Last == 0 {
		return nil
	}
	from := max(1, p.message)
	commands, err := p.ConsumeCommands(ctx, from)
	if err != nil {
		return err
	}
	defer func() {
		cancel()
		for range commands.Batches() { // until it has ended
		}
	}()
	for b := range commands.Batches() {
		if b.Message >= min(state.Commands.Last, from+provingMessages) {
			return ctx.Err()
		}
	}
	return errors.Join(ctx.Err(), commands.Err())
}

func (p *Projector) proveEvents(ctx context.Context, last uint64) error {
	confirmed := max(1, p.Confirmed())
	for record, err := range p.Log.EventHashes(ctx, confirmed) {
		if err != nil {
			return err
		}
		if ours, known := p.recentHash(record.Number); known && ours != record.Hash {
			return fmt.Errorf("%w: event %d in EVENTS is not what this node has confirmed: hash %s there, %s here",
				errDifference, record.Number, record.Hash, ours)
		}
		if record.Number >= min(last, confirmed+provingMessages) {
			break
		}
	}
	return ctx.Err()
}

func (p *Projector) recentHash(n uint64) (domain.Hash, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.recent.find(n)
}

// checkLogs says what is wrong with logs that once had the command at sequence and the event with number events.
func checkLogs(state domain.LogState, sequence, events uint64) error {
	if err := state.Commands.CheckContiguous(); err != nil {
		return fmt.Errorf("COMMANDS is damaged: %w", err)
	}
	if err := state.Events.CheckContiguous(); err != nil {
		return fmt.Errorf("EVENTS is damaged: %w", err)
	}
	if message := sequence / domain.SequencesPerMessage; state.Commands.Last < message {
		return fmt.Errorf("COMMANDS has gone backwards: it ends at %d, message %d was decided", state.Commands.Last, message)
	}
	if state.Events.Last < events {
		return fmt.Errorf("EVENTS has gone backwards: it ends at %d, event %d was confirmed", state.Events.Last, events)
	}
	return nil
}
