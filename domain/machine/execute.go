// Executing one command: first what is due, then the decision of the command itself. Each event is applied before the next is
// decided, so every decision sees the state of its own time.

package machine

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// MaxDueEvents limits the due events that one command emits. Ticks emit the rest, in the same order. Rules treat holds that are due
// as gone in any case.
const MaxDueEvents = 500

// maxEventsBeforeOffer limits the events before another offer; ticks emit the rest. The log takes 1,000 events of one command. The
// largest outcome has 201 (seats.Reclaim), and may come after as many offers.
const maxEventsBeforeOffer = 700

// Execute decides command c and applies its events: first what was due, then what the command leads to, among it the outcome. The
// events have numbers; the codec adds the hash chain. There is no outcome for a tick, and for a repeated request, whose outcome
// is Request(c.Request). A Noop has no events at all, due ones neither: those of the command that it replaces are in EVENTS.
// The error is a panic of a rule, which changed nothing; the last event is then a DeadLetter.
func (m *Machine) Execute(c domain.Command) ([]domain.Event, error) {
	if _, noop := c.Body.(domain.Noop); noop {
		return nil, nil
	}
	x := execution{machine: m, command: c, now: max(m.Now, c.At)}
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

// execution is the execution of one command.
type execution struct {
	machine *Machine
	command domain.Command
	now     domain.Time
	events  []domain.Event
}

// emit numbers an event and applies it, and emits the alarm that it raises.
func (x *execution) emit(e domain.Event) {
	e.Number, e.Sequence, e.Now = x.machine.LastEvent+1, x.command.Sequence, x.now
	x.machine.Apply(e)
	x.events = append(x.events, e)
	if alarm, raised := alarmFor(e); raised {
		x.emit(alarm)
	}
	for _, next := range x.machine.followUps(e, x.command.Sequence) {
		x.emit(next)
	}
}

// emitNextDue emits the next event that is due; false when none is.
func (x *execution) emitNextDue() bool {
	at, next, ok := x.machine.nextDue()
	if !ok || at > x.now {
		return false
	}
	x.emit(next.DueEvent())
	return true
}

// emitOffers offers what came back to the waiting lists, before any other command can get it.
func (x *execution) emitOffers() {
	for len(x.events) < maxEventsBeforeOffer {
		e, more := x.machine.nextOffer(x.now)
		if !more {
			return
		}
		x.emit(e)
	}
}

// decide asks the rules for the events of the command itself. Rules change nothing, so a panic leaves nothing half done.
func (x *execution) decide() (events []domain.Event, err error) {
	c, m := x.command, x.machine
	defer func() {
		if panicked := recover(); panicked != nil {
			events = domain.NewOutcome(c, domain.DeadLetter{Reason: domain.DeadLetterPanicked})
			err = fmt.Errorf("deciding command %d: %v", c.Sequence, panicked)
		}
	}()
	switch body := c.Body.(type) {
	case domain.Tick:
		return nil, nil
	case domain.Malformed:
		return []domain.Event{{Entity: domain.SystemEntity, Body: domain.DeadLetter{Reason: domain.DeadLetterMalformed, Bytes: body.Bytes}}}, nil
	}
	if first, repeated := m.requests.find(c.Request); repeated {
		if first.Fingerprint == c.Fingerprint {
			return nil, nil
		}
		return domain.Reject(c, domain.RequestIDReused, domain.Details{}), nil
	}
	if body, ok := c.Body.(domain.Checked); ok && body.Check() != nil {
		return domain.Reject(c, domain.InvalidBody, domain.Details{}), nil
	}
	if events, ok := m.decidePurchase(c, x.now); ok {
		return events, nil
	}
	switch name, _ := c.Body.Type(); domain.Kind(name) {
	case "coupons":
		return m.Coupons.Decide(c, x.now), nil
	case "seats":
		return m.addRefund(m.Seats.Decide(c, x.now)), nil
	case "orders", "products":
		return m.addReservation(m.Orders.Decide(c, x.now), c.Sequence), nil
	case "alarms":
		return m.Alarms.Decide(c, m.LastEvent+1), nil
	}
	panic("machine: no rules for this kind")
}

// alarmFor returns the alarm that e raises for its user, for something that the user did not ask for.
func alarmFor(e domain.Event) (domain.Event, bool) {
	var raised alarms.Raised
	switch b := e.Body.(type) {
	case coupons.Offered:
		raised = alarms.Raised{Kind: alarms.KindOffer, PromotionID: b.PromotionID, WaitingID: b.WaitingID, Count: b.Quantity, ExpiresAt: b.ExpiresAt}
	case coupons.Revoked:
		raised = alarms.Raised{Kind: alarms.KindCouponRevoked, PromotionID: b.PromotionID, CouponID: b.CouponID, Reason: b.Reason}
	case seats.Offered:
		raised = alarms.Raised{Kind: alarms.KindOffer, ScheduleID: b.ScheduleID, WaitingID: b.WaitingID,
			Count: len(b.ScheduleSeatIDs), ExpiresAt: b.ExpiresAt}
	case seats.Expiring:
		if e.Now >= b.ExpiresAt { // no command came in time, and the hold is over
			return e, false
		}
		raised = alarms.Raised{Kind: alarms.KindHoldExpiring, ScheduleID: b.ScheduleID, HoldID: b.HoldID, ExpiresAt: b.ExpiresAt}
	case seats.Cancelled:
		if !e.Request.IsZero() { // by the user
			return e, false
		}
		raised = alarms.Raised{Kind: alarms.KindReservationCancelled, ScheduleID: b.ScheduleID, ReservationID: b.ReservationID,
			Count: len(b.ScheduleSeatIDs), Reason: b.Reason, ScheduleCancelled: b.ScheduleCancelled}
	case orders.Refunded:
		if b.Payment.State == orders.PaymentNone || b.Refunded == 0 && b.Kept > 0 { // there was no money, or the shop keeps all of it
			return e, false
		}
		raised = alarms.Raised{Kind: alarms.KindOrderRefunded, PaymentID: b.PaymentID, Amount: b.Refunded, Reason: b.Note}
	default:
		return e, false
	}
	return domain.Event{Entity: e.User, User: e.User, Body: raised}, true
}
