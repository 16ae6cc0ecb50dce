// How an order changes by what the provider answers about its payment: for each status of the order, each possible answer.

package orders

import (
	"time"

	"onsale/domain"
)

// recordPayment returns at most one event. An answer to a question from before the order's last change is ignored; the payment worker
// notices, and asks again. So is one about an order that costs nothing: no provider knows its payment.
func (s *State) recordPayment(c domain.Command, body RecordPayment, now domain.Time) []domain.Event {
	o := s.orders[c.Entity]
	if o == nil || o.IsFree() || o.LastEvent != body.LastEvent || body.Payment.invalid() {
		return nil
	}
	result := o.Evaluate(body.Payment, s.prepared[body.Payment.MerchantUID], now)
	if result == nil {
		return nil
	}
	e := domain.Event{Entity: c.Entity, User: o.User, Body: result}
	if _, adminOnly := result.(Discrepant); adminOnly {
		e.User = ""
	}
	return []domain.Event{e}
}

// Evaluate returns the event that payment p means for the order at now, or nil. prepared is the preparation of p's merchant_uid, or
// nil. It changes nothing.
func (o *Order) Evaluate(p Payment, prepared *Preparation, now domain.Time) domain.Body {
	problem := o.ownershipProblem(p, prepared)
	switch o.Status {
	case StatusVerifying, StatusPendingPayment:
		if problem != "" {
			return o.failed(problem, p)
		}
		return o.verify(p, now)
	case StatusRefunding:
		if o.Payment == nil && problem != "" {
			return o.failed(problem, p)
		}
		if o.Payment == nil {
			return o.evaluateRefundNeed(p, now)
		}
		return o.evaluateRefund(p)
	case StatusPaid:
		return o.evaluatePaid(p)
	}
	// Failed or refunded. There is no second result: money that turns up now is refunded.
	switch {
	case o.IsForeign():
	case o.Kept > 0: // refunded in part
		return o.evaluateKept(p)
	case p.Refundable() > 0 && problem == "":
		return RefundDue{PaymentID: o.PaymentID, Reason: o.lateReason(), Payment: &p}
	case o.Status == StatusFailed && problem == ReasonOtherUser && *o.Payment != p: // the order named the payment before it was begun
		return Discrepant{PaymentID: o.PaymentID, Payment: p}
	}
	return nil
}

// lateReason returns why money is refunded that turns up after the result. An order that onsale has placed and rejected keeps the code
// that answers its user.
func (o *Order) lateReason() string {
	if o.Rejected && o.MerchantUID != "" {
		return o.Reason
	}
	return ReasonLate
}

// verify decides an order that has no result.
func (o *Order) verify(p Payment, now domain.Time) domain.Body {
	switch {
	case p.Refundable() > 0:
		if reason := o.mismatch(p); reason != "" {
			return RefundDue{PaymentID: o.PaymentID, Reason: reason, Payment: &p}
		}
		return Succeeded{PaymentID: o.PaymentID, Purchase: o.Purchase, Payment: p}
	case p.State == PaymentCancelled:
		return o.failed(ReasonCancelled, p)
	case p.State == PaymentFailed:
		return o.failed(ReasonFailed, p)
	case p.State == PaymentMissing && now >= o.missingDue():
		return o.failed(ReasonNotFound, p)
	case now >= o.PaymentDue:
		return o.failed(ReasonTimeout, p)
	case p.State == PaymentMissing && o.isBegun(): // the provider has lost sight of it
		return nil
	case o.Payment == nil || *o.Payment != p:
		return Pending{PaymentID: o.PaymentID, Payment: p}
	}
	return nil
}

// isBegun says whether the provider has known the payment, so that nobody made it up.
func (o *Order) isBegun() bool { return o.Payment != nil && o.Payment.State != PaymentMissing }

// missingDue returns when the order fails if the provider does not know the payment: made-up payments hold units only briefly.
func (o *Order) missingDue() domain.Time {
	if o.MissingSeconds == 0 || o.isBegun() {
		return o.PaymentDue
	}
	return min(o.PaymentDue, o.PlacedAt.Add(time.Duration(o.MissingSeconds)*time.Second))
}

// keptDue returns when an order that was rejected and kept fails if the provider does not know the payment; 0 for others.
func (o *Order) keptDue() domain.Time {
	if !o.Rejected || o.Payment != nil || o.KeptSeconds == 0 {
		return 0
	}
	return o.PlacedAt.Add(time.Duration(o.KeptSeconds) * time.Second)
}

// evaluateRefundNeed finds out whether there is a payment to refund. One that turns up later is refunded too. The provider may be a
// moment behind, and payments that are made up are no faster to try because their orders were rejected.
func (o *Order) evaluateRefundNeed(p Payment, now domain.Time) domain.Body {
	switch {
	case p.Refundable() > 0:
		return RefundDue{PaymentID: o.PaymentID, Reason: o.Reason, Note: o.Note, Payment: &p}
	case p.State == PaymentMissing && now < o.keptDue():
		return nil
	}
	return o.failed(o.Reason, p)
}

// evaluateRefund waits until nothing is left. An answer that the payment was never made is not believed, since it was.
func (o *Order) evaluateRefund(p Payment) domain.Body {
	switch {
	case p.State == PaymentCancelled && o.ResultEvent == 0:
		return o.failed(o.Reason, p)
	case p.State == PaymentCancelled || p.State == PaymentPaid && p.Refundable() <= o.Kept:
		return o.refunded(o.Reason, o.Note, p)
	case p.State != PaymentPaid && *o.Payment != p:
		return Discrepant{PaymentID: o.PaymentID, Payment: p}
	}
	return nil
}

// evaluatePaid looks at a paid order again: its payment may have been cancelled at the provider.
func (o *Order) evaluatePaid(p Payment) domain.Body {
	switch {
	case *o.Payment == p:
		return nil
	case p.State == PaymentCancelled:
		return o.refunded(ReasonAtProvider, "", p)
	}
	return Discrepant{PaymentID: o.PaymentID, Payment: p}
}

// evaluateKept looks at an order again that was refunded in part: the provider may have refunded more of it since.
func (o *Order) evaluateKept(p Payment) domain.Body {
	switch {
	case *o.Payment == p:
		return nil
	case (p.State == PaymentCancelled || p.State == PaymentPaid) && p.Refundable() < o.Kept:
		return o.refunded(ReasonAtProvider, "", p)
	}
	return Discrepant{PaymentID: o.PaymentID, Payment: p}
}

// refunded returns that what is to be refunded was refunded. What the provider shows is what the shop keeps.
func (o *Order) refunded(reason, note string, p Payment) Refunded {
	r := Refunded{PaymentID: o.PaymentID, Reason: reason, Note: note, Refunded: p.Cancelled, Payment: p, Kept: p.Refundable()}
	if o.CouponUsed && r.Kept == 0 {
		r.CouponID = o.CouponID
	}
	return r
}

// endPaid returns the end of a paid order of which the shop keeps an amount: what is left of it has to be refunded, or nothing has.
func (o *Order) endPaid(reason, note string, percent int) domain.Body {
	kept := o.Amount - o.RefundAmount(percent)
	if o.IsFree() || kept == o.Amount && o.Payment.State == PaymentPaid {
		refunded := o.refunded(reason, note, *o.Payment)
		if percent < 100 { // of an order that cost nothing, too
			refunded.CouponID = ""
		}
		return refunded
	}
	return RefundDue{PaymentID: o.PaymentID, Reason: reason, Note: note, Payment: o.Payment, Kept: kept}
}

// failed returns the failure, with the refunded amount.
func (o *Order) failed(reason string, p Payment) Failed {
	u := Failed{PaymentID: o.PaymentID, Purchase: o.Purchase, Reason: reason, Note: o.Note, Payment: p}
	if o.Status == StatusRefunding && o.Payment != nil {
		u.Refunded = p.Cancelled
	}
	return u
}

// IsForeign says whether the order failed because the payment is not its user's.
func (o *Order) IsForeign() bool { return o.Reason == ReasonOtherUser || o.Reason == ReasonNotPrepared }
