// What becomes of an order by what the provider says. The whole table is here: for each status, each thing that can be
// heard.
package orders

import "onsale/domain"

// learn is at most one event. What was asked before the order last changed is too old to say anything of it: who asked
// notices, and asks again.
func (s *State) learn(c domain.Command, body Learn, now domain.Time) []domain.Event {
	o := s.orders[c.Entity]
	if o == nil || o.Event != body.After || body.Payment.wrong() {
		return nil
	}
	happened := o.Hear(body.Payment, s.prepared[body.Payment.MerchantUID], now)
	if happened == nil {
		return nil
	}
	e := domain.Event{Entity: c.Entity, User: o.User, Body: happened}
	if _, internal := happened.(Differs); internal {
		e.User = ""
	}
	return []domain.Event{e}
}

// Hear is what p, under a merchant_uid that was prepared so, or was not (nil), means for the order at now; nil for nothing
// new. It changes nothing.
func (o *Order) Hear(p Payment, prepared *Preparation, now domain.Time) domain.Body {
	foreign := o.foreign(p, prepared)
	switch o.Status {
	case Verifying, PendingPayment:
		if foreign != "" {
			return o.failed(foreign, p)
		}
		return o.verify(p, now)
	case Refunding:
		if o.Payment == nil && foreign != "" {
			return o.failed(foreign, p)
		}
		if o.Payment == nil {
			return o.judge(p)
		}
		return o.goneBack(p)
	case Paid:
		return o.compare(p)
	}
	// Failed or Refunded. The failure was told, and there is no second verdict: what turns up now goes back.
	switch {
	case o.others():
	case p.Left() > 0 && foreign == "":
		return RefundDue{ImpUID: o.ImpUID, Reason: ReasonLate, Payment: &p}
	case o.Status == Failed && foreign == ReasonOfAnother && *o.Payment != p: // who ordered had named it before it was begun
		return Differs{ImpUID: o.ImpUID, Payment: p}
	}
	return nil
}

// verify decides an order that has no verdict.
func (o *Order) verify(p Payment, now domain.Time) domain.Body {
	switch {
	case p.Left() > 0:
		if reason := o.unfit(p); reason != "" {
			return RefundDue{ImpUID: o.ImpUID, Reason: reason, Payment: &p}
		}
		return Succeeded{ImpUID: o.ImpUID, SalePostID: o.SalePostID, Count: o.Count, Amount: o.Amount, Payment: p}
	case p.State == PaymentCancelled:
		return o.failed(ReasonCancelled, p)
	case p.State == PaymentFailed:
		return o.failed(ReasonFailed, p)
	case now >= o.PayBy && p.State == PaymentMissing:
		return o.failed(ReasonNotFound, p)
	case now >= o.PayBy:
		return o.failed(ReasonTimeout, p)
	case o.Payment == nil || *o.Payment != p:
		return Pending{ImpUID: o.ImpUID, Payment: p}
	}
	return nil
}

// judge finds out whether there is a payment that has to go back. One that turns up later goes back too.
func (o *Order) judge(p Payment) domain.Body {
	if p.Left() > 0 {
		return RefundDue{ImpUID: o.ImpUID, Reason: o.Reason, Note: o.Note, Payment: &p}
	}
	return o.failed(o.Reason, p)
}

// goneBack waits until nothing is left. Money that was there cannot never have been: whoever says so is not believed.
func (o *Order) goneBack(p Payment) domain.Body {
	switch {
	case p.State == PaymentCancelled && o.Verdict == 0:
		return o.failed(o.Reason, p)
	case p.State == PaymentCancelled:
		return GivenBack{ImpUID: o.ImpUID, Reason: o.Reason, Note: o.Note, Refunded: p.Cancelled, Payment: p}
	case p.State != PaymentPaid && *o.Payment != p:
		return Differs{ImpUID: o.ImpUID, Payment: p}
	}
	return nil
}

// compare looks at a paid order again, which somebody may have cancelled at the provider.
func (o *Order) compare(p Payment) domain.Body {
	switch {
	case *o.Payment == p:
		return nil
	case p.State == PaymentCancelled:
		return GivenBack{ImpUID: o.ImpUID, Reason: ReasonAtProvider, Refunded: p.Cancelled, Payment: p}
	}
	return Differs{ImpUID: o.ImpUID, Payment: p}
}

// failed is the verdict, with what has gone back.
func (o *Order) failed(reason string, p Payment) Unsuccessful {
	u := Unsuccessful{
		ImpUID: o.ImpUID, SalePostID: o.SalePostID, Count: o.Count, Amount: o.Amount, Reason: reason, Note: o.Note, Payment: p,
	}
	if o.Status == Refunding && o.Payment != nil {
		u.Refunded = p.Cancelled
	}
	return u
}

// others says that the payment is none of the order's user.
func (o *Order) others() bool { return o.Reason == ReasonOfAnother || o.Reason == ReasonNotPrepared }
