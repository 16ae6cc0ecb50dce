// Package shop is the whole rule book behind one counter: it takes commands in the order of their line, lets what is due
// happen first, answers a repeated request with what was decided the first time, and sends the rest to the rules of its
// kind. What it holds is a function of EVENTS alone.
package shop

import (
	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// Shop is the state that decides. Its zero value is no shop; use New.
type Shop struct {
	Now      domain.Time // of the last event
	Events   uint64      // number of the last event
	Requests map[domain.RequestID]Decided
	Coupons  *coupons.State
	Seats    *seats.State
}

// Decided is where the first outcome of a request stands.
type Decided struct {
	Event       uint64
	Fingerprint domain.Fingerprint
}

// New is a shop on its first day.
func New() *Shop {
	return &Shop{Requests: map[domain.RequestID]Decided{}, Coupons: coupons.New(), Seats: seats.New()}
}

// Apply makes e so. The first outcome of a request is kept; a later one under the same id (request_id_reused) is not.
func (s *Shop) Apply(e domain.Event) {
	s.Now, s.Events = e.Now, e.Number
	if !e.Request.IsZero() {
		if _, known := s.Requests[e.Request]; !known {
			s.Requests[e.Request] = Decided{Event: e.Number, Fingerprint: e.Fingerprint}
		}
	}
	name, _ := e.Body.Type()
	switch domain.Kind(name) {
	case "coupons":
		s.Coupons.Apply(e)
	case "seats":
		s.Seats.Apply(e)
	}
}

// NextDeadline is when log time will change something by itself; false when nothing is waiting for it.
func (s *Shop) NextDeadline() (domain.Time, bool) {
	at, _, ok := s.Seats.NextDeadline()
	return at, ok
}
