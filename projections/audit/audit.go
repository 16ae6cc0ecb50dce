// Package audit reads both logs offline. Run decides every command again, from an empty state machine, and compares the result
// with EVENTS byte for byte and hash for hash; at every event it proves that no money, seat or coupon is lost. Replay lists each command
// with its events.
package audit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"onsale/domain"
	"onsale/domain/machine"
)

// Log is both logs as the audit reads them. Package streams implements it.
type Log interface {
	State(context.Context) (domain.LogState, error)
	// CommandBatches follows COMMANDS from a message on.
	CommandBatches(ctx context.Context, from uint64) iter.Seq2[domain.Batch, error]
	// Events follows EVENTS from a number on until ctx ends; filter is a subject with wildcards, "" for all.
	Events(ctx context.Context, from uint64, filter string) iter.Seq2[domain.Record, error]
	DecodeEvent(domain.Record) (domain.Event, error)
	EncodeEvent(previous domain.Hash, e domain.Event) (domain.Record, error)
}

// Report is what an audit found.
type Report struct {
	Commands, Events uint64
	ByType           map[Label]uint64 // events
	Undecided        uint64           // commands whose events EVENTS does not have yet
	Noops            uint64           // messages that a power loss took after their outcomes had been published
	Machine          *machine.Machine // after all of it
	Conservation     *Conservation    // where all money, seats and coupons are
}

// Label is the type of an event and, of a rejection, its code.
type Label struct{ Type, Code string }

func (l Label) String() string { return strings.TrimSpace(l.Type + " " + l.Code) }

// ErrDifference: the events in the log are not those that the rules decide.
var ErrDifference = errors.New("the log and the rules differ")

// Run decides everything again. With ErrDifference the text names the first difference. visit, if not nil, is called with each
// command and its events in the log, in order.
func Run(ctx context.Context, log Log, visit func(Decision)) (Report, error) {
	a := auditor{report: Report{ByType: map[Label]uint64{}, Machine: machine.New(), Conservation: newConservation()}, visit: visit}
	a.report.Machine.Applied = a.checkInvariants
	state, err := log.State(ctx)
	if err != nil {
		return a.report, err
	}
	if err := state.Commands.CheckContiguous(); err != nil {
		return a.report, fmt.Errorf("%w: COMMANDS is damaged: %w", ErrDifference, err)
	}
	if err := state.Events.CheckContiguous(); err != nil {
		return a.report, fmt.Errorf("%w: EVENTS is damaged: %w", ErrDifference, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cursor, stop := newCursor(ctx, log, state.Events.Last)
	defer stop()
	a.cursor = cursor
	for c, err := range commands(ctx, log, state.Commands.Last) {
		if err == nil {
			err = a.check(c)
		}
		if err != nil {
			return a.report, err
		}
	}
	if extra, err := cursor.peek(); err != nil {
		return a.report, err
	} else if extra != nil {
		return a.report, fmt.Errorf("%w: event %d belongs to command %d, which is not in COMMANDS", ErrDifference,
			extra.Number, extra.Sequence)
	}
	if a.broken != nil {
		return a.report, a.broken
	}
	if err := a.report.Conservation.compare(a.report.Machine); err != nil {
		return a.report, fmt.Errorf("%w: at the end: %w", ErrDifference, err)
	}
	return a.report, nil
}

// auditor decides on report.Machine, which has applied the events that it decided before: those in the log have the same bytes.
type auditor struct {
	report   Report
	broken   error // the first invariant that did not hold
	cursor   *eventCursor
	prevHash domain.Hash // of the last event that was compared
	visit    func(Decision)
}

// check decides one command and compares.
func (a *auditor) check(c domain.Command) error {
	a.report.Commands++
	logged, err := a.cursor.eventsOf(c)
	if err != nil {
		return err
	}
	if _, noop := c.Body.(domain.Noop); noop {
		// The commands of this message were lost in a power loss, after their events had been published.
		a.report.Noops++
		return a.accept(logged)
	}
	if n := len(logged.Events); n > 0 && isDeadLetter(logged.Events[n-1]) {
		return a.accept(logged) // whatever today's rules decide
	}
	prevHash := a.prevHash
	events, _ := a.report.Machine.Execute(c)
	for i, e := range events {
		if e.Number > a.cursor.last {
			a.report.Undecided++ // a live node is still deciding it
			return nil
		}
		ours, err := a.cursor.log.EncodeEvent(prevHash, e)
		if err != nil {
			return err
		}
		if i >= len(logged.Records) {
			return fmt.Errorf("%w: command %d leads to event %d %s, which is not in EVENTS", ErrDifference, c.Sequence, e.Number, ours.Payload)
		}
		theirs := logged.Records[i]
		if ours.Subject != theirs.Subject || !bytes.Equal(ours.Payload, theirs.Payload) || ours.Hash != theirs.Hash {
			return fmt.Errorf("%w at event %d of command %d\n  the rules: %s %s\n  the log:   %s %s", ErrDifference, e.Number, c.Sequence,
				ours.Subject, ours.Payload, theirs.Subject, theirs.Payload)
		}
		prevHash = theirs.Hash
	}
	if len(logged.Records) > len(events) {
		extra := logged.Records[len(events)]
		return fmt.Errorf("%w: event %d does not follow from command %d: %s", ErrDifference, extra.Number, c.Sequence, extra.Payload)
	}
	return a.count(logged)
}

// accept takes the events in the log as facts.
func (a *auditor) accept(logged Decision) error {
	for _, e := range logged.Events {
		a.report.Machine.Apply(e)
	}
	return a.count(logged)
}

// checkInvariants checks what must hold after each event.
func (a *auditor) checkInvariants(e domain.Event) {
	if err := cmp.Or(a.report.Machine.CheckInvariants(e), a.report.Conservation.apply(e)); err != nil && a.broken == nil {
		a.broken = fmt.Errorf("%w: after event %d: %w", ErrDifference, e.Number, err)
	}
}

// count counts the events of one command, which were applied.
func (a *auditor) count(logged Decision) error {
	for i, e := range logged.Events {
		a.report.Events++
		a.report.ByType[labelOf(e)]++
		a.prevHash = logged.Records[i].Hash
	}
	if err := a.report.Machine.CheckCommand(logged.Events); err != nil && a.broken == nil {
		a.broken = fmt.Errorf("%w: %w", ErrDifference, err)
	}
	if a.broken == nil && a.visit != nil {
		a.visit(logged)
	}
	return a.broken
}

func isDeadLetter(e domain.Event) bool {
	_, dead := e.Body.(domain.DeadLetter)
	return dead
}

func labelOf(e domain.Event) (l Label) {
	l.Type, _ = e.Body.Type()
	if rejection, rejected := e.Body.(domain.Rejection); rejected {
		l.Code = rejection.Code
	}
	return l
}
