// Outcomes that are there: by request, by place in line, by time, by user.

package projections

import (
	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

// Outcome is what was decided of one command.
type Outcome struct {
	Request     domain.RequestID
	Fingerprint domain.Fingerprint
	User        string
	Entity      string
	Sequence    uint64
	EventNumber uint64 // number of the event that says it
	At          domain.Time
	Type        string // of that event: "coupons.issued", "seats.rejected"
	Data        []byte // its body in JSON: the result's fields, or those of a domain.Rejection
}

// OutcomeOf is the first outcome of a request, once it may be told. false: undecided here, or not yet confirmed.
func (p *Projector) OutcomeOf(id domain.RequestID) (Outcome, bool, error) {
	p.mu.RLock()
	first, known := p.machine.Request(id)
	confirmed := known && first.EventNumber <= p.confirmed
	p.mu.RUnlock()
	if !confirmed {
		return Outcome{}, false, nil
	}
	return p.readOutcome(first.EventNumber)
}

// readOutcome reads one event of the journal.
func (p *Projector) readOutcome(n uint64) (o Outcome, ok bool, err error) {
	err = p.store.view(func(tx *bolt.Tx) error {
		var r journalRow
		r, ok, err = readJournalRow(tx, n)
		o = r.Outcome
		return err
	})
	return o, ok, err
}

// OutcomeAt is the outcome of the command at sequence, confirmed or not; false when it has none of its own.
func (p *Projector) OutcomeAt(sequence uint64) (o Outcome, ok bool, err error) {
	err = p.store.view(func(tx *bolt.Tx) error {
		cp, err := readCheckpoint(tx)
		if err != nil {
			return err
		}
		after := searchJournal(tx, cp.events, func(s uint64, _ domain.Time) bool { return s > sequence })
		r, found, err := readJournalRow(tx, after-1) // the outcome is a command's last event
		o, ok = r.Outcome, found && r.Sequence == sequence && !r.Request.IsZero()
		return err
	})
	return o, ok, err
}

// EventNumberAt is the number of the first event at or after t; one more than the last when there is none.
func (p *Projector) EventNumberAt(t domain.Time) (n uint64, err error) {
	err = p.store.view(func(tx *bolt.Tx) error {
		cp, err := readCheckpoint(tx)
		n = searchJournal(tx, cp.events, func(_ uint64, at domain.Time) bool { return at >= t })
		return err
	})
	return n, err
}

// LastOfUser is the number of the user's last confirmed event; 0 when there is none.
func (p *Projector) LastOfUser(user string) uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.lastEvents.user[user]
}

// LastOfEntity is the number of the last confirmed event of an entity ("seats", "demo").
func (p *Projector) LastOfEntity(kind, entity string) uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.lastEvents.entity[kind+"."+entity]
}
