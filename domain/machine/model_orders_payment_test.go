// The model of the provider's answers: six questions, in their order.

package machine_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
)

// plausible says that p is a possible answer of a provider.
func plausible(p orders.Payment) bool {
	inRange := 0 <= p.Cancelled && p.Cancelled <= p.Amount
	switch p.State {
	case "missing":
		return p == orders.Payment{State: "missing"}
	case "waiting", "failed":
		return inRange && p.Cancelled == 0
	case "paid":
		return inRange && p.Cancelled != p.Amount
	}
	return inRange && p.State == "cancelled"
}

// ownershipProblem is the reason why the payment is not that of o's user; "" when it can be.
func (w *model) ownershipProblem(o *orderModel, p orders.Payment) string {
	isPrepared, user := false, ""
	if prepared := w.prepared[p.MerchantUID]; prepared != nil {
		isPrepared, user = true, prepared.user
	}
	if p.State == "missing" || isPrepared && user == o.user || !isPrepared && !o.RequirePrepare {
		return ""
	}
	if isPrepared {
		return "payment_of_another"
	}
	return "payment_not_prepared"
}

// recordPayment applies the answer p and returns the lines of its events; "" for none.
func (w *model) recordPayment(o *orderModel, p orders.Payment, now domain.Time) string {
	problem, paid, cancelled := w.ownershipProblem(o, p), p.State == "paid", p.State == "cancelled"
	switch changed := o.payment == nil || *o.payment != p; {
	case o.rejectReason != "" && !o.settled && o.payment != nil: // 1. A refund is under way: it ends when nothing is left.
		switch {
		case cancelled && !o.decided:
			return o.fail(o.rejectReason, p, p.Cancelled)
		case cancelled || paid && p.Amount-p.Cancelled <= o.kept:
			return o.markRefunded(o.rejectReason, p)
		case !paid && changed:
			return o.markDiscrepant(p)
		}
		return ""
	case o.decided && o.rejectReason == "": // 2. Paid: only a full refund at the provider changes that; the rest is discrepant.
		switch {
		case cancelled && changed:
			o.note = ""
			return o.markRefunded("cancelled_at_provider", p)
		case changed:
			return o.markDiscrepant(p)
		}
		return ""
	case o.settled && o.kept > 0: // Refunded in part: the provider may have refunded more of it since.
		switch {
		case changed && (paid && p.Amount-p.Cancelled < o.kept || cancelled):
			o.note = ""
			return o.markRefunded("cancelled_at_provider", p)
		case changed:
			return o.markDiscrepant(p)
		}
		return ""
	case o.decided: // 3. Failed or refunded: a payment of the user that comes now is refunded.
		if paid && problem == "" && o.rejectReason != "payment_of_another" && o.rejectReason != "payment_not_prepared" {
			if o.rejected != "" && o.MerchantUID != "" { // its user gets the code of the rejection
				return o.startRefund(o.rejectReason, "", p)
			}
			return o.startRefund("late_payment", "", p)
		}
		if !o.refunded && changed && problem == "payment_of_another" && o.rejectReason != "payment_of_another" && o.rejectReason != "payment_not_prepared" {
			return o.markDiscrepant(p)
		}
		return ""
	case problem != "": // 4. The payment is not the user's.
		return o.fail(problem, p, 0)
	case o.rejectReason != "": // 5. The order was rejected or cancelled.
		if paid {
			return o.startRefund(o.rejectReason, o.note, p)
		}
		if p.State == "missing" && now < o.keptDue() { // the provider may be a moment behind
			return ""
		}
		return o.fail(o.rejectReason, p, 0)
	case paid: // 6. Paid: is it the right payment?
		for _, check := range []struct {
			mismatch bool
			reason   string
		}{{p.Currency != o.Currency, "currency_mismatch"}, {p.Test && !o.AllowTest, "test_payment"}, {p.Amount != o.Amount, "amount_mismatch"},
			{p.Cancelled > 0, "payment_cancelled"}} {
			if check.mismatch {
				return o.startRefund(check.reason, "", p)
			}
		}
		if o.HoldID != "" && !w.hasHold(o) {
			note := ""
			if off := w.schedules[o.ScheduleID].off; off != nil {
				note = off.reason
			}
			return o.startRefund(w.lossReason(o.ScheduleID), note, p)
		}
		return w.succeed(o, p)
	case cancelled || p.State == "failed":
		return o.fail("payment_"+p.State, p, 0)
	case p.State == "missing" && now >= o.missingDue():
		return o.fail("payment_not_found", p, 0)
	case p.State == "missing" && now < o.PaymentDue && o.payment != nil: // once begun, it stays begun
		return ""
	case now < o.PaymentDue && changed:
		o.payment = &p
		return fmt.Sprintf("pending %s for %s: %v", o.PaymentID, o.user, p)
	case now < o.PaymentDue:
		return ""
	}
	return o.fail("payment_timeout", p, 0)
}

func (o *orderModel) fail(reason string, p orders.Payment, refunded int64) string {
	o.decided, o.settled, o.refunded, o.rejectReason, o.payment = true, true, refunded > 0, reason, &p
	return fmt.Sprintf("failure of %s for %s: %v, %s, %s: %d refunded, %v", o.PaymentID, o.user, o.Purchase, reason, o.note, refunded, p)
}

func (o *orderModel) startRefund(reason, note string, p orders.Payment) string {
	o.settled, o.refunded, o.rejectReason, o.note, o.payment, o.kept = false, false, reason, note, &p, 0
	return fmt.Sprintf("refund of %s to %s, %s, %s: %v, 0 kept", o.PaymentID, o.user, reason, note, p)
}

// markRefunded says what the provider has left, if anything: the shop keeps it. Otherwise the coupon is given back.
func (o *orderModel) markRefunded(reason string, p orders.Payment) string {
	o.settled, o.refunded, o.rejectReason, o.payment, o.kept = true, true, reason, &p, 0
	if p.State == "paid" {
		o.kept = p.Amount - p.Cancelled
	}
	text := fmt.Sprintf("refunded %s to %s: %d, %s, %s: %v, %d kept", o.PaymentID, o.user, p.Cancelled, reason, o.note, p, o.kept)
	if o.couponUsed && o.kept == 0 {
		o.couponUsed = false
		text += paidBy(o.CouponID)
	}
	if !o.isFree() && (p.Cancelled > 0 || o.kept == 0) {
		text += "\nalarm order-refunded for " + o.user
	}
	return text
}

func (o *orderModel) markDiscrepant(p orders.Payment) string {
	o.payment = &p
	return fmt.Sprintf("discrepant %s for : %v", o.PaymentID, p)
}
