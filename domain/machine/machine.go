// Package machine is the state machine that executes commands. It takes commands in the order of their sequences, emits first
// what became due by time, answers a repeated request with its first outcome, and passes the other commands to the rules of
// their kind. Its state is a function of EVENTS alone.
package machine

import (
	"bufio"
	"fmt"
	"io"
	"iter"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// Machine is the whole state. Use New.
type Machine struct {
	Now       domain.Time // of the last event
	LastEvent uint64      // number of the last event
	Coupons   *coupons.State
	Seats     *seats.State
	Orders    *orders.State
	Alarms    *alarms.State

	Applied func(domain.Event) // is called when an event was applied, by an audit; may be nil

	requests requests
}

// New returns a machine before the first event.
func New() *Machine {
	return &Machine{
		Coupons: coupons.New(), Seats: seats.New(), Orders: orders.New(), Alarms: alarms.New(),
	}
}

// Restore begins a restore from a store that has the events up to lastEvent. RestoreRequest and the Restore methods of each kind
// add the rest.
func (m *Machine) Restore(now domain.Time, lastEvent uint64) {
	m.Now, m.LastEvent = now, lastEvent
}

// RestoreRequest adds the outcome of a request, unless it has one. The numbers of their events rise.
func (m *Machine) RestoreRequest(id domain.RequestID, r RequestRecord) { m.requests.add(id, r) }

// Request returns the first outcome of a request.
func (m *Machine) Request(id domain.RequestID) (RequestRecord, bool) { return m.requests.find(id) }

// Requests yields the first outcome of every request, in the order of their events.
func (m *Machine) Requests() iter.Seq2[domain.RequestID, RequestRecord] { return m.requests.all() }

// Apply changes the state as e says. Later outcomes of a request id (request_id_reused) are not recorded.
func (m *Machine) Apply(e domain.Event) {
	m.Now, m.LastEvent = e.Now, e.Number
	if !e.Request.IsZero() {
		m.RestoreRequest(e.Request, RequestRecord{EventNumber: e.Number, Fingerprint: e.Fingerprint})
	}
	name, _ := e.Body.Type()
	switch domain.Kind(name) {
	case "coupons":
		m.Coupons.Apply(e)
	case "seats":
		m.Seats.Apply(e)
	case "orders", "products":
		m.Orders.Apply(e)
	case "alarms":
		m.Alarms.Apply(e)
	}
	if m.Applied != nil {
		m.Applied(e)
	}
}

// NextDeadline returns when time changes something: Now where offers are left that did not fit into one command's events. False
// when nothing has a deadline.
func (m *Machine) NextDeadline() (domain.Time, bool) {
	if _, more := m.nextOffer(m.Now); more {
		return m.Now, true
	}
	at, _, ok := m.nextDue()
	return at, ok
}

// timed are the kinds whose state changes with time.
type timed interface {
	NextDeadline() (at domain.Time, sequence uint64, ok bool)
	DueEvent() domain.Event
}

// nextDue returns the kind with the next deadline, by time and then by sequence.
func (m *Machine) nextDue() (at domain.Time, first timed, ok bool) {
	var sequence uint64
	for _, kind := range [...]timed{m.Seats, m.Coupons, m.Orders} {
		due, dueSequence, found := kind.NextDeadline()
		if found && (!ok || due < at || due == at && dueSequence < sequence) {
			at, sequence, first, ok = due, dueSequence, kind, true
		}
	}
	return at, first, ok
}

// nextOffer returns the next offer to a waiting list at now.
func (m *Machine) nextOffer(now domain.Time) (domain.Event, bool) {
	if e, ok := m.Coupons.NextOffer(now); ok {
		return e, true
	}
	return m.Seats.NextOffer(now)
}

// Dump writes everything that decides, sorted: machines with equal dumps decide alike. It is for people and for audits; its format
// may change.
func (m *Machine) Dump(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "now %s, %d events\n", m.Now, m.LastEvent)
	for id, r := range m.requests.all() {
		fmt.Fprintf(b, "request %s event %d fingerprint %016x\n", id, r.EventNumber, uint64(r.Fingerprint))
	}
	m.Coupons.Dump(b)
	m.Seats.Dump(b)
	m.Orders.Dump(b)
	m.Alarms.Dump(b)
	return b.Flush()
}

// CheckInvariants returns what is wrong with the state after event e was applied, as far as e touched it: every unit of a promotion
// is remaining, on offer or issued; every seat is free, blocked, or belongs to one hold, offer, reservation or pending release;
// no product has more units taken than it has, and a decided order has a result. What holds only between commands, CheckCommand says.
func (m *Machine) CheckInvariants(e domain.Event) error {
	switch name, _ := e.Body.Type(); domain.Kind(name) {
	case "coupons":
		return m.Coupons.CheckInvariants(e)
	case "seats":
		return m.Seats.CheckInvariants(e)
	case "orders", "products":
		return m.Orders.CheckInvariants(e)
	}
	return nil
}
