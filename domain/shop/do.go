// One command at the counter: what is due happens first, then the command is decided, and each event is made so before the
// next is thought of. So every decision sees the shop exactly as it is at its own moment.
package shop

import (
	"fmt"

	"onsale/domain"
)

// MaxDue bounds the events about what is due that one command tells; clock commands tell the rest, in the same order.
// Decisions about seats look at holds that are due as gone, told or not.
const MaxDue = 500

// maxOffers is how many events there may be before another offer: clock commands tell the rest. The log takes 1,000 of one
// command, the largest outcome has 201 (seats.Free), and that may come behind as many offers.
const maxOffers = 700

// Do decides command c and makes its events so. They are numbered and complete but for the chain: first what was due, then
// what the command leads to, among it its outcome. There is no outcome when c is the clock, or the repetition of a
// request: that one's stands at Requests[c.Request]. A void leads to nothing at all, due holds or not: what its command led to
// stands in EVENTS already. The error is the text of a panic in a rule, which has changed nothing; the last event then says that c is dead.
func (s *Shop) Do(c domain.Command) ([]domain.Event, error) {
	if _, void := c.Body.(domain.Void); void {
		return nil, nil
	}
	t := turn{shop: s, command: c, now: max(s.Now, c.At)}
	t.offers()
	for len(t.events) < MaxDue && t.due() {
		t.offers()
	}
	outcome, err := t.outcome()
	for _, e := range outcome {
		t.tell(e)
	}
	t.offers()
	if n := len(t.events); n > 0 {
		t.events[n-1].Last = true
	}
	return t.events, err
}

// turn is the time that one command has at the counter.
type turn struct {
	shop    *Shop
	command domain.Command
	now     domain.Time
	events  []domain.Event
}

// tell gives an event its number and makes it so.
func (t *turn) tell(e domain.Event) {
	e.Number, e.Sequence, e.Now = t.shop.Events+1, t.command.Sequence, t.now
	t.shop.Apply(e)
	t.events = append(t.events, e)
	if alarm, raised := alarmOf(e); raised {
		t.tell(alarm)
	}
}

// due tells what is due next; false when nothing is.
func (t *turn) due() bool {
	at, first, ok := t.shop.next()
	if !ok || at > t.now {
		return false
	}
	t.tell(first.Due())
	return true
}

// offers gives what came back to those who wait for it, the first in line first, before anybody else can ask for it.
func (t *turn) offers() {
	for len(t.events) < maxOffers {
		e, more := t.shop.offer(t.now)
		if !more {
			return
		}
		t.tell(e)
	}
}

// outcome is what the rules say to the command itself. They change nothing, so a rule that breaks leaves nothing half done.
func (t *turn) outcome() (events []domain.Event, err error) {
	c, s := t.command, t.shop
	defer func() {
		if broken := recover(); broken != nil {
			events = []domain.Event{domain.Outcome(c, domain.Dead{Reason: domain.DeadPanicked})}
			err = fmt.Errorf("deciding command %d: %v", c.Sequence, broken)
		}
	}()
	switch body := c.Body.(type) {
	case domain.Clock:
		return nil, nil
	case domain.Malformed:
		return []domain.Event{{Entity: domain.SystemEntity, Body: domain.Dead{Reason: domain.DeadMalformed, Bytes: body.Bytes}}}, nil
	}
	if first, again := s.Requests[c.Request]; again {
		if first.Fingerprint == c.Fingerprint {
			return nil, nil
		}
		return []domain.Event{domain.Reject(c, domain.RequestIDReused, domain.Facts{})}, nil
	}
	switch name, _ := c.Body.Type(); domain.Kind(name) {
	case "coupons":
		return s.Coupons.Decide(c, t.now), nil
	case "seats":
		return s.Seats.Decide(c, t.now), nil
	case "orders", "products":
		return s.Orders.Decide(c, t.now), nil
	case "alarms":
		return s.Alarms.Decide(c, s.Events+1), nil
	}
	panic("shop: no rules for this kind")
}
