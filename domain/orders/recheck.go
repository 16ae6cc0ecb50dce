// When the provider is to be asked again. Whoever asks is woken by events; so these are the deadlines of orders, and no
// timer of a node is needed, nor does one need to know what another does.
package orders

import (
	"time"

	"onsale/domain"
	"onsale/domain/due"
)

const (
	firstRecheck = 60 * time.Second  // after an order changed; each further one comes after twice the time
	slowest      = 60 * firstRecheck // while money may have to go back, or somebody waits for a verdict
	lateRounds   = 14                // of an order that failed: 11 days, after which nobody pays it any more
	paidRecheck  = 24 * slowest      // of one that is paid: somebody may give the money back past the shop, and nobody may say so
	paidRounds   = 3                 // a week
)

// await sets the next recheck of an order.
func (s *State) await(o *Order) {
	if o.AskAt != 0 {
		s.asking.Add(due.Deadline[*Order]{At: o.AskAt, Sequence: o.Sequence, What: o})
	}
}

// next is when an order that changed, or was asked about, at now is to be asked about again; 0 for never.
func (o *Order) next(now domain.Time) domain.Time {
	wait := firstRecheck << min(o.Round, 20)
	switch o.Status {
	case Verifying, PendingPayment:
		at := now.Add(min(wait, slowest))
		if now < o.PayBy && o.PayBy < at {
			return o.PayBy
		}
		return at
	case Refunding:
		return now.Add(min(wait, slowest))
	case Paid:
		if o.Round < paidRounds {
			return now.Add(paidRecheck << o.Round)
		}
	case Failed:
		if o.Round < lateRounds && !o.others() && o.Payment.State != PaymentCancelled {
			return now.Add(wait)
		}
	}
	return 0
}

func stands(d due.Deadline[*Order]) bool { return d.What.AskAt == d.At }

// NextDeadline is when the next recheck is due, and the place in line of its order; false when there is none.
func (s *State) NextDeadline() (at domain.Time, sequence uint64, ok bool) {
	d, ok := s.asking.First()
	return d.At, d.Sequence, ok
}

// Due is what NextDeadline names.
func (s *State) Due() domain.Event {
	d, _ := s.asking.First()
	o := d.What
	return domain.Event{Entity: o.ImpUID, Body: Recheck{ImpUID: o.ImpUID, Round: o.Round + 1}}
}
