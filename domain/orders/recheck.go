// When the provider is to be asked again. Whoever asks is woken by events; so these are the deadlines of orders, and no
// timer of a node is needed, nor does one need to know what another does.

package orders

import (
	"time"

	"onsale/domain"
	"onsale/domain/deadline"
)

const (
	firstRecheckInterval = 60 * time.Second          // after an order changed; each further one comes after twice the time
	maxRecheckInterval   = 60 * firstRecheckInterval // while money may have to go back, or somebody waits for a verdict
	maxRechecksFailed    = 14                        // of an order that failed: 11 days, after which nobody pays it any more
	paidRecheckInterval  = 24 * maxRecheckInterval   // of one that is paid: somebody may give the money back past the shop, and nobody may say so
	maxRechecksPaid      = 3                         // a week
)

// scheduleRecheck sets the next recheck of an order.
func (s *State) scheduleRecheck(o *Order) {
	if o.RecheckAt != 0 {
		s.rechecks.Add(deadline.Deadline[*Order]{At: o.RecheckAt, Sequence: o.Sequence, Value: o})
	}
}

// nextRecheck is when an order that changed, or was asked about, at now is to be asked about again; 0 for never.
func (o *Order) nextRecheck(now domain.Time) domain.Time {
	wait := firstRecheckInterval << min(o.RecheckCount, 20)
	switch o.Status {
	case StatusVerifying, StatusPendingPayment:
		at := now.Add(min(wait, maxRecheckInterval))
		if now < o.PaymentDue && o.PaymentDue < at {
			return o.PaymentDue
		}
		return at
	case StatusRefunding:
		return now.Add(min(wait, maxRecheckInterval))
	case StatusPaid:
		if o.RecheckCount < maxRechecksPaid {
			return now.Add(paidRecheckInterval << o.RecheckCount)
		}
	case StatusFailed:
		if o.RecheckCount < maxRechecksFailed && !o.isForeign() && o.Payment.State != PaymentCancelled {
			return now.Add(wait)
		}
	}
	return 0
}

func isActive(d deadline.Deadline[*Order]) bool { return d.Value.RecheckAt == d.At }

// NextDeadline is when the next recheck is due, and the place in line of its order; false when there is none.
func (s *State) NextDeadline() (at domain.Time, sequence uint64, ok bool) {
	d, ok := s.rechecks.First()
	return d.At, d.Sequence, ok
}

// DueEvent is what NextDeadline names.
func (s *State) DueEvent() domain.Event {
	d, _ := s.rechecks.First()
	o := d.Value
	return domain.Event{Entity: o.PaymentID, Body: Recheck{PaymentID: o.PaymentID, Attempt: o.RecheckCount + 1}}
}
