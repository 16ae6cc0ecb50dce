// Which rule decides which command, and how each event changes the state.

package orders

import "onsale/domain"

// Decide returns the events that command c leads to at log time now. It changes nothing. Prepare, Place and PlacePrepared have rules
// of their own, which need to know what the hold and the coupon make of them.
func (s *State) Decide(c domain.Command, now domain.Time) []domain.Event {
	switch body := c.Body.(type) {
	case Create:
		return s.create(c, body)
	case ChangeStock:
		return s.changeStock(c, body)
	case Close:
		return s.close(c, body)
	case RecordPayment:
		return s.recordPayment(c, body, now)
	case Cancel:
		return s.cancel(c, body)
	}
	panic("orders: no rule for this command")
}

// Apply changes the state as e says.
func (s *State) Apply(e domain.Event) {
	switch body := e.Body.(type) {
	case domain.Rejection, Cancelled:
	case Created:
		s.RestoreProduct(Product{Created: body})
		s.products[e.Entity].noteSoldOut(e.Sequence)
	case StockChanged:
		p := s.products[e.Entity]
		p.Stock = body.Stock
		p.noteSoldOut(e.Sequence)
	case Closed:
		s.products[e.Entity].ClosedAt = e.Now
	case Prepared:
		p := Preparation{Prepared: body, User: e.User, Sequence: e.Sequence}
		p.AskAt = p.nextAsk(e.Now)
		s.RestorePreparation(p)
	case PreparationDue:
		p := s.prepared[body.MerchantUID]
		p.Attempts = body.Attempt
		p.AskAt = p.nextAsk(e.Now)
		s.scheduleUnsent(p)
	case Confirmed:
		s.orders[e.Entity].Confirmed = true
	case Placed:
		s.createOrder(e, body, StatusVerifying, "")
	case RejectedPaid:
		s.createOrder(e, Placed(body.Placement), StatusRefunding, body.Reason)
	case Recheck:
		o := s.orders[e.Entity]
		s.addRefund(o, -1)
		o.RecheckCount = body.Attempt
		s.addRefund(o, 1)
		o.RecheckAt = o.nextRecheck(e.Now)
		s.scheduleRecheck(o)
	default:
		o := s.orders[e.Entity]
		before, isOpen := o.Status, o.ResultEvent == 0
		s.addRefund(o, -1)
		o.apply(e)
		if isOpen && o.ResultEvent != 0 {
			s.addOpen(o.User, -1)
		}
		s.noteOrdered(o)
		s.updateDerived(o, before, e)
		s.addRefund(o, 1)
	}
}

// createOrder adds an order. It replaces an order that failed because its payment was another user's.
func (s *State) createOrder(e domain.Event, placed Placed, status Status, reason string) {
	if existing := s.orders[e.Entity]; existing != nil {
		s.counts[existing.Status]--
		existing.RecheckAt = 0
	}
	o := &Order{Placed: placed, User: e.User, Status: status, Reason: reason, Rejected: reason != "", Sequence: e.Sequence, PlacedAt: e.Now}
	s.orders[e.Entity] = o
	s.counts[status]++
	s.addOpen(o.User, 1)
	s.noteOrdered(o)
	s.updateDerived(o, status, e)
	if status.reservesStock() && o.ProductID != "" {
		s.products[o.ProductID].addTaken(o.User, o.Count, e.Sequence)
	}
}

// updateDerived brings units, counts and the next recheck in line with the order.
func (s *State) updateDerived(o *Order, before Status, e domain.Event) {
	o.LastEvent, o.RecheckCount = e.Number, 0
	o.RecheckAt = o.nextRecheck(e.Now)
	s.scheduleRecheck(o)
	s.counts[before]--
	s.counts[o.Status]++
	if before.reservesStock() && !o.Status.reservesStock() && o.ProductID != "" {
		s.products[o.ProductID].addTaken(o.User, -o.Count, e.Sequence)
	}
}

func (o *Order) apply(e domain.Event) {
	uid := o.PreparedAs()
	o.applyPayment(e)
	if o.PreparedAs() != uid && uid != "" {
		o.FirstUID = uid
	}
}

func (o *Order) applyPayment(e domain.Event) {
	switch body := e.Body.(type) {
	case Pending:
		o.Status, o.Payment = StatusPendingPayment, &body.Payment
	case Succeeded:
		o.Status, o.Payment, o.ReservationID, o.ResultEvent = StatusPaid, &body.Payment, body.ReservationID, e.Number
		o.CouponUsed = o.CouponID != ""
	case RefundDue:
		o.Status, o.Reason, o.Note, o.Payment, o.Kept = StatusRefunding, body.Reason, body.Note, body.Payment, body.Kept
	case Failed:
		o.Status, o.Reason, o.Payment, o.ResultEvent = StatusFailed, body.Reason, &body.Payment, e.Number
		if body.Refunded > 0 {
			o.Status = StatusRefunded
		}
	case Refunded:
		o.Status, o.Reason, o.Note, o.Payment, o.Kept = StatusRefunded, body.Reason, body.Note, &body.Payment, body.Kept
		if body.CouponID != "" {
			o.CouponUsed = false
		}
	case Discrepant:
		o.Payment = &body.Payment
		if o.Status == StatusPaid {
			o.Reason = ReasonDiscrepant
			if body.Payment.Refundable() > 0 && o.mismatch(body.Payment) == "" { // the discrepancy is gone
				o.Reason = ""
			}
		}
	}
}
