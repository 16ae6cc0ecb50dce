// Payments as the provider reports them, and how they match an order.

package orders

// Payment is what the provider reports. Amounts are in the smallest unit of the currency, 0 ≤ Cancelled ≤ Amount.
type Payment struct {
	State       string `json:"state"`
	MerchantUID string `json:"merchant_uid,omitempty"`
	Amount      int64  `json:"amount,omitempty"`
	Cancelled   int64  `json:"cancelled,omitempty"` // refunded
	Currency    string `json:"currency,omitempty"`
	Test        bool   `json:"test,omitempty"` // no real money
}

// States of a payment. The payment worker records no answer with another state.
const (
	PaymentMissing   = "missing" // the provider does not know it
	PaymentWaiting   = "waiting" // begun, not paid yet
	PaymentPaid      = "paid"    // a part may be refunded
	PaymentFailed    = "failed"  // not paid; may be paid later all the same
	PaymentCancelled = "cancelled"
	PaymentNone      = "none" // of an order that costs nothing; no provider knows it
)

// Reasons of failures and refunds. Orders that are rejected when placed have a code of package domain as reason.
const (
	ReasonAmount           = "amount_mismatch"
	ReasonCurrency         = "currency_mismatch"
	ReasonTest             = "test_payment"
	ReasonCancelled        = "payment_cancelled" // at the provider, not by onsale
	ReasonFailed           = "payment_failed"
	ReasonTimeout          = "payment_timeout"      // begun, not paid in time
	ReasonNotFound         = "payment_not_found"    // not begun in time
	ReasonOtherUser        = "payment_of_another"   // prepared for another user
	ReasonNotPrepared      = "payment_not_prepared" // not prepared here, though it had to be
	ReasonLate             = "late_payment"         // paid after the order failed
	ReasonCancelledByAdmin = "order_cancelled"      // by an admin
	ReasonCancelledByUser  = "reservation_cancelled"
	ReasonSeatsReclaimed   = "seats_reclaimed"    // by an admin
	ReasonScheduleOff      = "schedule_cancelled" // the performance was called off
	ReasonAtProvider       = "cancelled_at_provider"
	ReasonDiscrepant       = "discrepant"
)

// Refundable returns the amount that can be refunded.
func (p Payment) Refundable() int64 {
	if p.State != PaymentPaid {
		return 0
	}
	return p.Amount - p.Cancelled
}

// invalid finds impossible payments.
func (p Payment) invalid() bool {
	switch p.State {
	case PaymentMissing:
		return p != Payment{State: PaymentMissing}
	case PaymentWaiting, PaymentFailed:
		return p.Amount < 0 || p.Cancelled != 0
	case PaymentPaid:
		return p.Amount <= 0 || p.Cancelled < 0 || p.Cancelled >= p.Amount
	case PaymentCancelled:
		return p.Amount < 0 || p.Cancelled < 0 || p.Cancelled > p.Amount
	}
	return true
}

// mismatch returns why a payment with money is not the right one for the order; "" when it is.
func (o *Order) mismatch(p Payment) string {
	switch {
	case p.Currency != o.Currency:
		return ReasonCurrency
	case p.Test && !o.AllowTest:
		return ReasonTest
	case p.Amount != o.Amount:
		return ReasonAmount
	case p.Cancelled != 0:
		return ReasonCancelled
	}
	return ""
}

// ownershipProblem returns why the payment is not the user's: it is neither accepted nor refunded for this order; "" when it may be.
func (o *Order) ownershipProblem(p Payment, prepared *Preparation) string {
	switch {
	case p.State == PaymentMissing:
		return ""
	case prepared == nil && o.RequirePrepare:
		return ReasonNotPrepared
	case prepared != nil && prepared.User != o.User:
		return ReasonOtherUser
	}
	return ""
}
