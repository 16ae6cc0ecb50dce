// The table of the counter: which rule decides which command, and what each event makes so.
package orders

import "onsale/domain"

// Decide says what command c leads to when the log's time is now. It changes nothing.
func (s *State) Decide(c domain.Command, now domain.Time) []domain.Event {
	switch body := c.Body.(type) {
	case Create:
		return []domain.Event{s.create(c, body)}
	case ChangeStock:
		return []domain.Event{s.changeStock(c, body)}
	case Close:
		return []domain.Event{s.close(c, body)}
	case Prepare:
		return []domain.Event{s.prepare(c, body)}
	case Place:
		return s.place(c, body, now)
	case Learn:
		return s.learn(c, body, now)
	case Cancel:
		return s.cancel(c, body)
	}
	panic("orders: no rule for this command")
}

// Apply makes e so.
func (s *State) Apply(e domain.Event) {
	switch body := e.Body.(type) {
	case domain.Rejection, Cancelled:
	case Created:
		s.PutProduct(Product{Created: body})
		s.products[e.Entity].counted(e.Sequence)
	case Restocked:
		p := s.products[e.Entity]
		p.Stock = body.Stock
		p.counted(e.Sequence)
	case Closed:
		s.products[e.Entity].ClosedAt = e.Now
	case Prepared:
		s.PutPreparation(Preparation{Prepared: body, User: e.User})
	case Placed:
		s.begin(e, body, Verifying, "")
	case Kept:
		s.begin(e, body.Placed, Refunding, body.Reason)
	case Recheck:
		o := s.orders[e.Entity]
		o.Round = body.Round
		o.AskAt = o.next(e.Now)
		s.await(o)
	default:
		o := s.orders[e.Entity]
		before := o.Status
		o.apply(e)
		s.changed(o, before, e)
	}
}

// begin makes an order; one that is there already had another's payment.
func (s *State) begin(e domain.Event, placed Placed, status Status, reason string) {
	if first := s.orders[e.Entity]; first != nil {
		s.counts[first.Status]--
		first.AskAt = 0
	}
	o := &Order{Placed: placed, User: e.User, Status: status, Reason: reason, Sequence: e.Sequence, PlacedAt: e.Now}
	s.orders[e.Entity] = o
	s.counts[status]++
	s.changed(o, status, e)
	if status.takes() {
		s.products[o.SalePostID].take(o.Count, e.Sequence)
	}
}

// changed keeps the units, the counts and the next recheck as the order has become.
func (s *State) changed(o *Order, before Status, e domain.Event) {
	o.Event, o.Round = e.Number, 0
	o.AskAt = o.next(e.Now)
	s.await(o)
	s.counts[before]--
	s.counts[o.Status]++
	if before.takes() && !o.Status.takes() {
		s.products[o.SalePostID].take(-o.Count, e.Sequence)
	}
}

func (o *Order) apply(e domain.Event) {
	switch body := e.Body.(type) {
	case Pending:
		o.Status, o.Payment = PendingPayment, &body.Payment
	case Succeeded:
		o.Status, o.Payment, o.Verdict = Paid, &body.Payment, e.Number
	case RefundDue:
		o.Status, o.Reason, o.Note, o.Payment = Refunding, body.Reason, body.Note, body.Payment
	case Unsuccessful:
		o.Status, o.Reason, o.Payment, o.Verdict = Failed, body.Reason, &body.Payment, e.Number
		if body.Refunded > 0 {
			o.Status = Refunded
		}
	case GivenBack:
		o.Status, o.Reason, o.Note, o.Payment = Refunded, body.Reason, body.Note, &body.Payment
	case Differs:
		o.Payment = &body.Payment
		if o.Status == Paid {
			o.Reason = ReasonDiscrepant
			if body.Payment.Left() > 0 && o.unfit(body.Payment) == "" { // it is as it was again
				o.Reason = ""
			}
		}
	}
}
