// Statistics for admins, and the rate at which this node decides, from which follows when a queued command will be decided.

package projections

import (
	"context"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
)

// Stats are counted from the machine's state, which may be a transaction ahead of what is confirmed.
type Stats struct {
	Outcomes         uint64                       // requests answered since the log began, without repetitions
	Events           map[string]uint64            // since the log began, by type, without rejections
	Rejections       map[string]map[string]uint64 // by type and code
	AcceptedSequence uint64                       // of the last message of COMMANDS, from any node
	DecidedSequence  uint64                       // of the last decided command
	Backlog          uint64                       // messages of COMMANDS that are not decided on this node
	Rate             float64                      // commands decided per second, over the last ten seconds
	Holds            int                          // active
	Expiring         int                          // of these, within a minute of log time; an order without a result keeps its hold
	Waiting          int                          // waiting entries without an offer
	Offers           int                          // active
	Orders           map[orders.Status]int        // every status is present
	UnderRefund      int64                        // money that is known to be paid and is to be refunded
	StuckRefunds     int                          // orders whose refund has not come for half an hour
	Refunds          map[string]Refunds           // of each schedule that was called off
}

// Refunds are the paid reservations of a performance that was called off.
type Refunds struct {
	Pending   int `json:"pending"`   // not cancelled yet
	Refunding int `json:"refunding"` // cancelled, the money is not back yet
	Stuck     int `json:"stuck"`     // of these, for half an hour
	Refunded  int `json:"refunded"`
}

const expiringWithin = time.Minute

var orderStatuses = [...]orders.Status{
	orders.StatusVerifying, orders.StatusPendingPayment, orders.StatusPaid, orders.StatusFailed, orders.StatusRefunding, orders.StatusRefunded,
}

// Stats reads the state of the logs, and counts.
func (p *Projector) Stats(ctx context.Context) (Stats, error) {
	if err := p.haltedError(); err != nil {
		return Stats{}, err
	}
	state, err := p.Log.State(ctx)
	if err != nil {
		return Stats{}, err
	}
	p.mu.RLock()
	end := max(state.Commands.Last, p.committed.Sequence/domain.SequencesPerMessage) // the state may be an old one
	s := Stats{
		Outcomes: p.counters.Outcomes, AcceptedSequence: end * domain.SequencesPerMessage,
		DecidedSequence: p.committed.Sequence, Rate: float64(p.rate.sum(time.Now()).commands) / rateWindowSeconds,
		Orders: map[orders.Status]int{}, Refunds: map[string]Refunds{},
		UnderRefund: p.machine.Orders.UnderRefund(), StuckRefunds: p.machine.Orders.StuckRefunds(),
	}
	s.Events, s.Rejections = p.counters.ByType()
	for _, status := range orderStatuses {
		s.Orders[status] = p.machine.Orders.Count(status)
	}
	promotions, schedules, now := p.machine.Coupons.IDs(), p.machine.Seats.IDs(), max(p.logTime, domain.At(time.Now()))
	p.mu.RUnlock()
	if message := s.DecidedSequence / domain.SequencesPerMessage; message < end {
		s.Backlog = end - message
	}
	for _, id := range promotions {
		p.countPromotion(&s, id)
	}
	for _, id := range schedules { // each under its own lock, which blocks deciding
		p.countSchedule(&s, id, now)
	}
	return s, nil
}

func (p *Projector) countPromotion(s *Stats, id string) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if promotion := p.machine.Coupons.Promotion(id); promotion != nil { // nil if its transaction was not committed
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
			if h.PaymentID == "" && h.ExpiresAt.Sub(now) <= expiringWithin {
				s.Expiring++
			}
		}
	}
	if sc.Cancelled != nil {
		s.Refunds[id] = p.countRefunds(id)
	}
}

// countRefunds does not count reservations that had ended before the performance was called off.
func (p *Projector) countRefunds(schedule string) (r Refunds) {
	for _, reservation := range p.machine.Seats.Schedule(schedule).Reservations() {
		o := p.machine.Orders.Order(reservation.PaymentID)
		switch {
		case o == nil: // not paid
		case !reservation.Cancelled:
			r.Pending++
		case o.Reason != orders.ReasonScheduleOff:
		case o.Status == orders.StatusRefunded:
			r.Refunded++
		default:
			r.Refunding++
			if o.IsStuck() {
				r.Stuck++
			}
		}
	}
	return r
}

// rateWindow is a ring of the last seconds.
type rateWindow [16]second

const rateWindowSeconds = 10 // that are summed; fewer than the ring has, so that none of them is overwritten

// second is what was decided within one second.
type second struct {
	at                 int64 // Unix time
	commands, messages int
	busy               time.Duration // in transactions
}

func (w *rateWindow) note(now time.Time, delta second) {
	s := &w[now.Unix()%int64(len(w))]
	if s.at != now.Unix() {
		*s = second{at: now.Unix()}
	}
	s.commands, s.messages, s.busy = s.commands+delta.commands, s.messages+delta.messages, s.busy+delta.busy
}

// sum adds up the last seconds, the present one included.
func (w *rateWindow) sum(now time.Time) (sum second) {
	for _, s := range w {
		if age := now.Unix() - s.at; age >= 0 && age < rateWindowSeconds {
			sum.commands, sum.messages, sum.busy = sum.commands+s.commands, sum.messages+s.messages, sum.busy+s.busy
		}
	}
	return sum
}

// QueueEstimate is when this node will decide a queued command.
type QueueEstimate struct {
	Position int           // commands up to and including it, estimated beyond the next message; 0: it is decided
	Wait     time.Duration // estimated from the rate of the last seconds; 0: unknown
}

// QueueEstimate estimates for the command at sequence; false when that is impossible, as for a command appended after the
// watchdog last read the state of COMMANDS, some two seconds ago. Sequences have gaps between messages, and how many commands a
// message has is known when it is read. So the position is exact within the next message; beyond it each message is
// assumed to have as many commands as those of the last seconds had. Wait assumes the rate of the last seconds while busy.
func (p *Projector) QueueEstimate(sequence uint64) (QueueEstimate, bool) {
	p.mu.RLock()
	decided, recent := p.committed.Sequence, p.rate.sum(time.Now())
	p.mu.RUnlock()
	if sequence <= decided {
		return QueueEstimate{}, true
	}
	const perMessage = domain.SequencesPerMessage
	estimate := QueueEstimate{Position: int(sequence%perMessage) + 1}
	message, last := sequence/perMessage, decided/perMessage
	switch between := message - last - 1; {
	case message > p.commandsEnd.Load(): // there may be no such command
		return QueueEstimate{}, false
	case message == last: // a message that was decided in part before the store was rebuilt
		estimate.Position = int(sequence - decided)
	case between > 0 && recent.messages == 0:
		return QueueEstimate{}, false
	case between > 0:
		estimate.Position += int(float64(between) * float64(recent.commands) / float64(recent.messages))
	}
	if recent.commands > 0 {
		estimate.Wait = time.Duration(float64(estimate.Position) * float64(recent.busy) / float64(recent.commands))
	}
	return estimate, true
}
