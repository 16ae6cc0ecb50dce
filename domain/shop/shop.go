// Package shop is the whole rule book behind one counter: it takes commands in the order of their line, lets holds that
// are due end first, answers a repeated request with what was decided the first time, and sends the rest to the rules of
// its kind. What it holds is a function of EVENTS alone; Decide never changes it, Apply does.
package shop

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// MaxExpired bounds the ends of holds that one command tells; clock commands tell the rest, in the same order. Decisions
// look at holds that are due as gone, told or not.
const MaxExpired = 500

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

// Decide is everything that command c leads to, numbered and complete but for the chain: first the ends of due holds,
// last the command's outcome. There is no outcome when c is the clock, or the repetition of a request: that one's stands
// at Requests[c.Request]. A void leads to nothing at all, due holds or not: what its command led to stands in EVENTS
// already. The error is the text of a panic in a rule; the event then says that c is dead.
func (s *Shop) Decide(c domain.Command) (events []domain.Event, err error) {
	if _, void := c.Body.(domain.Void); void {
		return nil, nil
	}
	now := max(s.Now, c.At)
	defer func() {
		if broken := recover(); broken != nil {
			events = s.finish(c, now, []domain.Event{domain.Outcome(c, domain.Dead{Reason: domain.DeadPanicked})})
			err = fmt.Errorf("deciding command %d: %v", c.Sequence, broken)
		}
	}()
	events = s.Seats.Expire(now, MaxExpired)
	if outcome, ok := s.outcome(c, now); ok {
		events = append(events, outcome)
	}
	return s.finish(c, now, events), nil
}

func (s *Shop) outcome(c domain.Command, now domain.Time) (domain.Event, bool) {
	switch body := c.Body.(type) {
	case domain.Clock:
		return domain.Event{}, false
	case domain.Malformed:
		return domain.Event{Entity: domain.SystemEntity, Body: domain.Dead{Reason: domain.DeadMalformed, Bytes: body.Bytes}}, true
	}
	if first, again := s.Requests[c.Request]; again {
		if first.Fingerprint == c.Fingerprint {
			return domain.Event{}, false
		}
		return domain.Reject(c, domain.RequestIDReused, domain.Facts{}), true
	}
	switch name, _ := c.Body.Type(); domain.Kind(name) {
	case "coupons":
		return s.Coupons.Decide(c, now), true
	case "seats":
		return s.Seats.Decide(c, now), true
	}
	panic("shop: no rules for this kind")
}

// finish gives the events of command c their numbers and what they share.
func (s *Shop) finish(c domain.Command, now domain.Time, events []domain.Event) []domain.Event {
	for i := range events {
		e := &events[i]
		e.Number, e.Sequence, e.Now, e.Last = s.Events+uint64(i)+1, c.Sequence, now, i == len(events)-1
	}
	return events
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
func (s *Shop) NextDeadline() (domain.Time, bool) { return s.Seats.NextDeadline() }
