// One command at the counter: what is due happens first, then the command is decided, and each event is made so before the
// next is thought of. So every decision sees the shop exactly as it is at its own moment.

package machine

import (
	"fmt"

	"onsale/domain"
)

// MaxDueEvents bounds the events about what is due that one command tells; clock commands tell the rest, in the same order.
// Decisions about seats look at holds that are due as gone, told or not.
const MaxDueEvents = 500

// maxEventsBeforeOffer is how many events there may be before another offer: clock commands tell the rest. The log takes 1,000 of one
// command, the largest outcome has 201 (seats.Free), and that may come behind as many offers.
const maxEventsBeforeOffer = 700

// Execute decides command c and makes its events so. They are numbered and complete but for the chain: first what was due, then
// what the command leads to, among it its outcome. There is no outcome when c is the clock, or the repetition of a
// request: that one's stands at Requests[c.Request]. A void leads to nothing at all, due holds or not: what its command led to
// stands in EVENTS already. The error is the text of a panic in a rule, which has changed nothing; the last event then says that c is dead.
func (s *Machine) Execute(c domain.Command) ([]domain.Event, error) {
	if _, noop := c.Body.(domain.Noop); noop {
		return nil, nil
	}
	x := execution{machine: s, command: c, now: max(s.Now, c.At)}
	x.emitOffers()
	for len(x.events) < MaxDueEvents && x.emitNextDue() {
		x.emitOffers()
	}
	outcome, err := x.decide()
	for _, e := range outcome {
		x.emit(e)
	}
	x.emitOffers()
	if n := len(x.events); n > 0 {
		x.events[n-1].Last = true
	}
	return x.events, err
}

// execution is the time that one command has at the counter.
type execution struct {
	machine *Machine
	command domain.Command
	now     domain.Time
	events  []domain.Event
}

// emit gives an event its number and makes it so.
func (x *execution) emit(e domain.Event) {
	e.Number, e.Sequence, e.Now = x.machine.LastEvent+1, x.command.Sequence, x.now
	x.machine.Apply(e)
	x.events = append(x.events, e)
	if alarm, raised := alarmFor(e); raised {
		x.emit(alarm)
	}
}

// emitNextDue tells what is due next; false when nothing is.
func (x *execution) emitNextDue() bool {
	at, next, ok := x.machine.nextDue()
	if !ok || at > x.now {
		return false
	}
	x.emit(next.DueEvent())
	return true
}

// emitOffers gives what came back to those who wait for it, the first in line first, before anybody else can ask for it.
func (x *execution) emitOffers() {
	for len(x.events) < maxEventsBeforeOffer {
		e, more := x.machine.nextOffer(x.now)
		if !more {
			return
		}
		x.emit(e)
	}
}

// decide is what the rules say to the command itself. They change nothing, so a rule that breaks leaves nothing half done.
func (x *execution) decide() (events []domain.Event, err error) {
	c, s := x.command, x.machine
	defer func() {
		if panicked := recover(); panicked != nil {
			events = []domain.Event{domain.NewOutcome(c, domain.DeadLetter{Reason: domain.DeadLetterPanicked})}
			err = fmt.Errorf("deciding command %d: %v", c.Sequence, panicked)
		}
	}()
	switch body := c.Body.(type) {
	case domain.Tick:
		return nil, nil
	case domain.Malformed:
		return []domain.Event{{Entity: domain.SystemEntity, Body: domain.DeadLetter{Reason: domain.DeadLetterMalformed, Bytes: body.Bytes}}}, nil
	}
	if first, repeated := s.requests[c.Request]; repeated {
		if first.Fingerprint == c.Fingerprint {
			return nil, nil
		}
		return []domain.Event{domain.Reject(c, domain.RequestIDReused, domain.Details{})}, nil
	}
	switch name, _ := c.Body.Type(); domain.Kind(name) {
	case "coupons":
		return s.Coupons.Decide(c, x.now), nil
	case "seats":
		return s.Seats.Decide(c, x.now), nil
	case "orders", "products":
		return s.Orders.Decide(c, x.now), nil
	case "alarms":
		return s.Alarms.Decide(c, s.LastEvent+1), nil
	}
	panic("shop: no rules for this kind")
}
