// Package shop is the whole rule book behind one counter: it takes commands in the order of their line, lets what is due
// happen first, answers a repeated request with what was decided the first time, and sends the rest to the rules of its
// kind. What it holds is a function of EVENTS alone.
package machine

import (
	"iter"
	"maps"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// Machine is the state that decides. Its zero value is no shop; use New.
type Machine struct {
	Now       domain.Time // of the last event
	LastEvent uint64      // number of the last event
	Coupons   *coupons.State
	Seats     *seats.State
	Orders    *orders.State
	Alarms    *alarms.State

	requests map[domain.RequestID]RequestRecord
}

// RequestRecord is where the first outcome of a request stands.
type RequestRecord struct {
	EventNumber uint64
	Fingerprint domain.Fingerprint
}

// New is a shop on its first day.
func New() *Machine {
	return &Machine{
		requests: map[domain.RequestID]RequestRecord{}, Coupons: coupons.New(), Seats: seats.New(), Orders: orders.New(), Alarms: alarms.New(),
	}
}

// Restore begins a restore at start-up from a store that holds events up to lastEvent. RestoreRequest and the Restore methods of
// each kind add the rest.
func (s *Machine) Restore(now domain.Time, lastEvent uint64) {
	s.Now, s.LastEvent = now, lastEvent
	s.requests = make(map[domain.RequestID]RequestRecord, lastEvent)
}

// RestoreRequest adds the outcome of a request. The first outcome of an id stays.
func (s *Machine) RestoreRequest(id domain.RequestID, r RequestRecord) {
	if _, known := s.requests[id]; !known {
		s.requests[id] = r
	}
}

// Request returns the first outcome of a request.
func (s *Machine) Request(id domain.RequestID) (RequestRecord, bool) {
	r, ok := s.requests[id]
	return r, ok
}

// Requests yields the first outcome of every request.
func (s *Machine) Requests() iter.Seq2[domain.RequestID, RequestRecord] { return maps.All(s.requests) }

// Apply makes e so. The first outcome of a request is kept; a later one under the same id (request_id_reused) is not.
func (s *Machine) Apply(e domain.Event) {
	s.Now, s.LastEvent = e.Now, e.Number
	if !e.Request.IsZero() {
		s.RestoreRequest(e.Request, RequestRecord{EventNumber: e.Number, Fingerprint: e.Fingerprint})
	}
	name, _ := e.Body.Type()
	switch domain.Kind(name) {
	case "coupons":
		s.Coupons.Apply(e)
	case "seats":
		s.Seats.Apply(e)
	case "orders", "products":
		s.Orders.Apply(e)
	case "alarms":
		s.Alarms.Apply(e)
	}
}

// NextDeadline is when something changes by itself: the log's present time where one command could not tell it all. False
// when nothing is waiting for the time.
func (s *Machine) NextDeadline() (domain.Time, bool) {
	if _, more := s.nextOffer(s.Now); more {
		return s.Now, true
	}
	at, _, ok := s.nextDue()
	return at, ok
}

// timed are those of a kind whose state changes with time.
type timed interface {
	NextDeadline() (at domain.Time, sequence uint64, ok bool)
	DueEvent() domain.Event
}

// nextDue is whose deadline comes first, by time and then by place in line.
func (s *Machine) nextDue() (at domain.Time, first timed, ok bool) {
	var sequence uint64
	for _, r := range [...]timed{s.Seats, s.Coupons, s.Orders} {
		due, dueSequence, found := r.NextDeadline()
		if found && (!ok || due < at || due == at && dueSequence < sequence) {
			at, sequence, first, ok = due, dueSequence, r, true
		}
	}
	return at, first, ok
}

// nextOffer is what is to be offered next at now, to those who wait for what comes back.
func (s *Machine) nextOffer(now domain.Time) (domain.Event, bool) {
	if e, ok := s.Coupons.NextOffer(now); ok {
		return e, true
	}
	return s.Seats.NextOffer(now)
}
