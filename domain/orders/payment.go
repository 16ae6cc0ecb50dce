// What a provider says of a payment, and what an order makes of it.

package orders

// Payment is what was heard. Amounts are in the smallest unit of the currency, 0 ≤ Cancelled ≤ Amount.
type Payment struct {
	State       string `json:"state"`
	MerchantUID string `json:"merchant_uid,omitempty"`
	Amount      int64  `json:"amount,omitempty"`
	Cancelled   int64  `json:"cancelled,omitempty"` // given back
	Currency    string `json:"currency,omitempty"`
	Test        bool   `json:"test,omitempty"` // no money has moved
}

// How a payment can stand. What a provider says beyond that is not known, and nobody learns it.
const (
	PaymentMissing   = "missing" // there is none
	PaymentWaiting   = "waiting" // begun; nothing was paid yet
	PaymentPaid      = "paid"    // some of it may have gone back
	PaymentFailed    = "failed"  // nothing was paid; may become paid all the same
	PaymentCancelled = "cancelled"
)

// Why an order is not wanted. Those that refuse it when it is placed are codes of domain.
const (
	ReasonAmount           = "amount_mismatch"
	ReasonCurrency         = "currency_mismatch"
	ReasonTest             = "test_payment"
	ReasonCancelled        = "payment_cancelled"    // at the provider, by somebody else
	ReasonFailed           = "payment_failed"       //
	ReasonTimeout          = "payment_timeout"      // begun, and not paid in time
	ReasonNotFound         = "payment_not_found"    // not even begun in time
	ReasonOtherUser        = "payment_of_another"   // prepared for another user
	ReasonNotPrepared      = "payment_not_prepared" // not by us, though it had to be
	ReasonLate             = "late_payment"         // paid after the failure was told
	ReasonCancelledByAdmin = "order_cancelled"      // by the shop
	ReasonAtProvider       = "cancelled_at_provider"
	ReasonDiscrepant       = "discrepant"
)

// Refundable is the money that can go back.
func (p Payment) Refundable() int64 {
	if p.State != PaymentPaid {
		return 0
	}
	return p.Amount - p.Cancelled
}

// invalid finds what nobody can have heard.
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

// mismatch is why a payment of which money is there is not the right one; "" when it is.
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

// ownershipProblem is why the payment is none of the order's user: it is neither accepted nor given back for them; "" when it may be.
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
