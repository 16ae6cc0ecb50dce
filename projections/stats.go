// Figures of the whole box office, for those who run it.

package projections

import (
	"context"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
)

// Stats is how the box office is doing. What stands and waits is counted as the decider has it, which may be a transaction
// ahead of what is told.
type Stats struct {
	Outcomes         uint64                // requests answered since there is a log, repetitions not counted
	Events           map[string]uint64     // since there is a log, by type; refusals by type and code ("seats.rejected seat_unavailable")
	AcceptedSequence uint64                // place in line of the last message of COMMANDS, whoever wrote it
	DecidedSequence  uint64                // place in line of the last decided command
	Backlog          uint64                // messages of COMMANDS that are not decided here
	Rate             float64               // commands decided a second, over the last ten
	Holds            int                   // that stand
	Expiring         int                   // of these, within a minute of log time
	Waiting          int                   // who waits and has no offer
	Offers           int                   // that stand
	Orders           map[orders.Status]int // by how they stand; each status is there
}

const expiringWithin = time.Minute

var orderStatuses = [...]orders.Status{
	orders.StatusVerifying, orders.StatusPendingPayment, orders.StatusPaid, orders.StatusFailed, orders.StatusRefunding, orders.StatusRefunded,
}

// Stats asks the logs how they stand, and counts.
func (p *Projector) Stats(ctx context.Context) (Stats, error) {
	if err := p.haltedError(); err != nil {
		return Stats{}, err
	}
	state, err := p.Log.State(ctx)
	if err != nil {
		return Stats{}, err
	}
	p.mu.RLock()
	s := Stats{
		Outcomes: p.counters.outcomes, Events: p.counters.byName(), AcceptedSequence: state.Commands.Last * domain.SequencesPerMessage,
		DecidedSequence: p.committed.sequence, Rate: float64(p.rate.sum(time.Now()).commands) / rateWindowSeconds,
		Orders: map[orders.Status]int{},
	}
	for _, status := range orderStatuses {
		s.Orders[status] = p.machine.Orders.Count(status)
	}
	promotions, schedules, now := p.machine.Coupons.IDs(), p.machine.Seats.IDs(), max(p.logTime, domain.At(time.Now()))
	p.mu.RUnlock()
	if message := s.DecidedSequence / domain.SequencesPerMessage; message < state.Commands.Last {
		s.Backlog = state.Commands.Last - message
	}
	for _, id := range promotions {
		p.countPromotion(&s, id)
	}
	for _, id := range schedules { // one at a time: the decider has to wait for the lock
		p.countSchedule(&s, id, now)
	}
	return s, nil
}

func (p *Projector) countPromotion(s *Stats, id string) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if promotion := p.machine.Coupons.Promotion(id); promotion != nil { // one that was not committed may be gone
		s.Waiting += promotion.WaitingCount()
		s.Offers += promotion.OfferCount()
	}
}

func (p *Projector) countSchedule(s *Stats, id string, now domain.Time) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	sc := p.machine.Seats.Schedule(id)
	if sc == nil {
		return
	}
	s.Waiting += sc.WaitingCount()
	for _, h := range sc.Allocations() {
		switch {
		case h.Offer:
			s.Offers++
			s.Waiting--
		case len(h.ScheduleSeatIDs) > 0:
			s.Holds++
			if h.ExpiresAt.Sub(now) <= expiringWithin {
				s.Expiring++
			}
		}
	}
}

// How many events there are of each type, since there is a log: counted once while the journal is loaded, and then with
// each commit.

// eventLabel is the type of an event, and where that is a refusal its code too.
type eventLabel struct{ name, code string }

// String is "seats.held" or "seats.rejected seat_unavailable".
func (l eventLabel) String() string {
	if l.code == "" {
		return l.name
	}
	return l.name + " " + l.code
}

func labelOf(name string, e domain.Event) eventLabel {
	if rejection, rejected := e.Body.(domain.Rejection); rejected {
		return eventLabel{name, rejection.Code}
	}
	return eventLabel{name: name}
}

type counters struct {
	byLabel  map[eventLabel]*uint64
	outcomes uint64 // events that answer a request
}

func newCounters() counters { return counters{byLabel: map[eventLabel]*uint64{}} }

func (c *counters) add(label eventLabel, outcome bool) {
	count := c.byLabel[label]
	if count == nil {
		count = new(uint64)
		c.byLabel[label] = count
	}
	*count++
	if outcome {
		c.outcomes++
	}
}

// addRow counts a row of the journal, whose bytes are copied only where they are the first of their kind.
func (c *counters) addRow(r rowHeader) {
	code := r.rejectionCode()
	if count := c.byLabel[eventLabel{string(r.name), string(code)}]; count != nil {
		*count++
	} else {
		c.byLabel[eventLabel{string(r.name), string(code)}] = new(uint64(1))
	}
	if len(r.request) > 0 {
		c.outcomes++
	}
}

func (c *counters) byName() map[string]uint64 {
	counts := make(map[string]uint64, len(c.byLabel))
	for label, count := range c.byLabel {
		counts[label.String()] = *count
	}
	return counts
}
