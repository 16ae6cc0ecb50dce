// Outcomes and views: what was decided, once it is confirmed.

package projections

import (
	"encoding/json"

	"onsale/domain"
	"onsale/projections/store"
)

// Outcome is the event that answers a command.
type Outcome struct {
	Request     domain.RequestID
	Fingerprint domain.Fingerprint
	User        string
	Entity      string
	Sequence    uint64
	EventNumber uint64
	At          domain.Time
	Type        string // of that event: "coupons.issued", "seats.rejected"
	Body        domain.Body
	Data        []byte // Body in JSON
}

func outcomeOf(e domain.Event, ok bool, err error) (Outcome, bool, error) {
	if !ok || err != nil {
		return Outcome{}, false, err
	}
	name, _ := e.Body.Type()
	data, err := json.Marshal(e.Body)
	return Outcome{e.Request, e.Fingerprint, e.User, e.Entity, e.Sequence, e.Number, e.Now, name, e.Body, data}, err == nil, err
}

// OutcomeOf is the first outcome of a request; false: it is undecided here, or not yet confirmed.
func (p *Projector) OutcomeOf(id domain.RequestID) (Outcome, bool, error) {
	p.mu.RLock()
	first, known := p.machine.Request(id)
	confirmed := known && first.EventNumber <= p.confirmed
	p.mu.RUnlock()
	if !confirmed {
		return Outcome{}, false, nil
	}
	return outcomeOf(p.store.Event(first.EventNumber))
}

// OutcomeAt is the outcome of the command at sequence, confirmed or not; false when it has none of its own.
func (p *Projector) OutcomeAt(sequence uint64) (Outcome, bool, error) {
	return outcomeOf(p.store.OutcomeAt(sequence))
}

// EventNumberAt is the number of the first event at or after t; one more than the last when there is none.
func (p *Projector) EventNumberAt(t domain.Time) (uint64, error) { return p.store.EventNumberAt(t) }

// LastOfUser is the number of the user's last confirmed event; 0 when there is none.
func (p *Projector) LastOfUser(user string) uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.lastEvents.User[user]
}

// LastOfEntity is the number of the last confirmed event of an entity ("seats", "demo").
func (p *Projector) LastOfEntity(kind, entity string) uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.lastEvents.Entity[kind+"."+entity]
}

// Read gives read a view of the store for user; "" is anonymous. A user's lists hold confirmed events only.
func (p *Projector) Read(user string, read func(*store.View) error) error {
	if err := p.haltedError(); err != nil {
		return err
	}
	return p.store.View(user, p.Confirmed(), p.LastOfUser(user), read)
}
