// Statistics for admins.

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
	Expiring         int                          // of these, within a minute of log time
	Waiting          int                          // waiting entries without an offer
	Offers           int                          // active
	Orders           map[orders.Status]int        // every status is present
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
	s := Stats{
		Outcomes: p.counters.Outcomes, AcceptedSequence: state.Commands.Last * domain.SequencesPerMessage,
		DecidedSequence: p.committed.Sequence, Rate: float64(p.rate.sum(time.Now()).commands) / rateWindowSeconds,
		Orders: map[orders.Status]int{},
	}
	s.Events, s.Rejections = p.counters.ByType()
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
			if h.ExpiresAt.Sub(now) <= expiringWithin {
				s.Expiring++
			}
		}
	}
}
