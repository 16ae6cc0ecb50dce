// When the provider is asked again. The payment worker is started by events, so rechecks are deadlines of the log: no node needs
// timers of its own, or knows what other nodes do.

package orders

import (
	"time"

	"onsale/domain"
	"onsale/domain/deadline"
)

const (
	firstRecheckInterval = 60 * time.Second          // after an order changed; each further one comes after twice the time
	maxRecheckInterval   = 60 * firstRecheckInterval // while there is no result, or money to refund
	maxRechecksFailed    = 14                        // of an order that failed: 11 days, after which no user pays any more
	paidRecheckInterval  = 24 * maxRecheckInterval   // of a paid order: the payment may be cancelled at the provider without a webhook
	maxRechecksPaid      = 3                         // a week
	rechecksStuck        = 5                         // half an hour after its last change a refund is stuck
)

// scheduleRecheck sets the next recheck of an order.
func (s *State) scheduleRecheck(o *Order) {
	if o.RecheckAt != 0 {
		s.rechecks.Add(deadline.Deadline[*Order]{At: o.RecheckAt, Sequence: o.Sequence, Value: o})
	}
}

// nextRecheck returns when the next recheck is due after a change or a recheck at now; 0: never.
func (o *Order) nextRecheck(now domain.Time) domain.Time {
	if o.IsFree() {
		return 0
	}
	wait := firstRecheckInterval << min(o.RecheckCount, 20)
	switch o.Status {
	case StatusVerifying, StatusPendingPayment:
		at := now.Add(min(wait, maxRecheckInterval))
		if o.HoldID != "" && !o.isBegun() { // seats are not held for long for a payment that may be made up
			at = now.Add(firstRecheckInterval)
		}
		for _, due := range [...]domain.Time{o.missingDue(), o.PaymentDue} {
			if now < due {
				return min(at, due)
			}
		}
		return at
	case StatusRefunding:
		return now.Add(min(wait, maxRecheckInterval))
	case StatusPaid:
		if o.RecheckCount < maxRechecksPaid {
			return now.Add(paidRecheckInterval << o.RecheckCount)
		}
	case StatusFailed:
		if o.RecheckCount < maxRechecksFailed && !o.IsForeign() && o.Payment.State != PaymentCancelled {
			return now.Add(wait)
		}
	}
	return 0
}

func isActive(d deadline.Deadline[*Order]) bool { return d.Value.RecheckAt == d.At }

// When the provider is asked for a prepared payment whose order has not come, after it was prepared. A webhook asks sooner.
var askAfter = [...]time.Duration{5 * 60 * time.Second, 30 * 60 * time.Second, 24 * 60 * 60 * time.Second}

// nextAsk returns when the provider is asked next for a prepared payment; 0: never. What costs nothing is not paid.
func (p *Preparation) nextAsk(now domain.Time) domain.Time {
	if p.Terms == nil || p.Amount == 0 || p.Attempts >= len(askAfter) {
		return 0
	}
	wait := askAfter[p.Attempts]
	if p.Attempts > 0 {
		wait -= askAfter[p.Attempts-1]
	}
	return now.Add(wait)
}

func (s *State) scheduleUnsent(p *Preparation) {
	if p.AskAt != 0 {
		s.unsent.Add(deadline.Deadline[*Preparation]{At: p.AskAt, Sequence: p.Sequence, Value: p})
	}
}

func isUnsent(d deadline.Deadline[*Preparation]) bool {
	return d.Value.AskAt == d.At && !d.Value.isOrdered()
}

// NextDeadline returns the time of the next recheck and the sequence of its order or preparation; false when there is none.
func (s *State) NextDeadline() (at domain.Time, sequence uint64, ok bool) {
	if d, first := s.nextUnsent(); first {
		return d.At, d.Sequence, true
	}
	d, ok := s.rechecks.First()
	return d.At, d.Sequence, ok
}

// nextUnsent returns the next deadline of a preparation; false where that of an order comes first, or there is none.
func (s *State) nextUnsent() (deadline.Deadline[*Preparation], bool) {
	d, ok := s.unsent.First()
	recheck, also := s.rechecks.First()
	return d, ok && !(also && (recheck.At < d.At || recheck.At == d.At && recheck.Sequence < d.Sequence))
}

// DueEvent returns the event of the next deadline.
func (s *State) DueEvent() domain.Event {
	if d, first := s.nextUnsent(); first {
		p := d.Value
		return domain.Event{Entity: p.entity(), Body: PreparationDue{MerchantUID: p.MerchantUID, Attempt: p.Attempts + 1}}
	}
	d, _ := s.rechecks.First()
	o := d.Value
	return domain.Event{Entity: o.PaymentID, Body: Recheck{PaymentID: o.PaymentID, Attempt: o.RecheckCount + 1}}
}
