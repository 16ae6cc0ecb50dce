// Package portone asks PortOne (formerly Iamport) what became of a payment, gives money back, and binds an amount to an
// order beforehand.
//
// PortOne has two APIs, and V1 and V2 are a client of each with the same methods. Whatever is asked, there are three
// outcomes, and the caller must be able to tell them apart, for money hangs on it:
//
//   - yes: the error is nil.
//   - no: errors.AsType[*Refusal] finds the reason. What was asked has not been done and will not be.
//   - unknown: errors.Is(err, ErrUnknown). It may have been done, or may still be. Only Get can tell.
//
// Nothing is asked twice behind the caller's back, but for a new token after PortOne refused the old one: then it has done
// nothing. A hint from a webhook is no fact, only a reason to Get.
package portone

import "time"

// Config is how PortOne is reached; one for each client.
type Config struct {
	URL    string // "https://api.iamport.kr" for V1, "https://api.portone.io" for V2
	Key    string // imp_key; V1 only
	Secret string // imp_secret, or the API secret of V2

	// Store is the V2 store id; "" is the one that the secret belongs to.
	Store string
	// WebhookSecrets are those of V2, two while one replaces the other: "whsec_" and base64. V1 does not sign.
	WebhookSecrets []string
	// Test lets V1 find payments of test channels too. V2 finds them always; Payment.Test says which they are.
	Test bool
	// Currency of what is prepared; "" is KRW. Amounts are in its smallest unit.
	Currency string
	// Timeout is for one request with its answer; 0 is the 60 s that PortOne asks for at least.
	Timeout time.Duration
	// Now is the clock for the life of tokens and the age of webhooks; nil is time.Now.
	Now func() time.Time
}

// Status is how a payment stands. It says what is left of the money: a payment of which only a part was given back is Paid,
// with Cancelled above 0.
type Status string

const (
	Ready     Status = "ready" // begun, or waiting for a transfer
	Paid      Status = "paid"
	Cancelled Status = "cancelled" // nothing is left to give back
	Failed    Status = "failed"    // may still become Paid, later
	Unknown   Status = "unknown"   // a word that this client does not know
)

// Payment is what PortOne knows of one payment. Amounts are in the currency's smallest unit, exact, 0 ≤ Cancelled ≤ Amount.
type Payment struct {
	Ref         string // imp_uid, or the payment id of V2
	MerchantUID string // the order that it claims to be for; with V2 the same as Ref
	Amount      int64
	Cancelled   int64 // given back
	// Pending is asked back, and neither given nor refused (V2). Whether Cancelled counts it already, nobody says.
	Pending    int64
	Currency   string // "KRW"
	Status     Status
	Waiting    bool   // a virtual account was issued, and nobody has paid into it yet
	Test       bool   // of a test channel: no money has moved. V2 may not say before Paid
	FailReason string // for people
}

// normalized is the payment with a status that fits its amounts: for one of which a part was given back, V1 does not say
// which word it uses, and V2 has a third. One that was called off before anybody paid it, such as a virtual account that is
// taken back, has failed: nothing of it is there, and nothing has to come back.
func (p Payment) normalized(everPaid bool) Payment {
	switch {
	case p.Status == Cancelled && 0 < p.Cancelled && p.Cancelled < p.Amount:
		p.Status = Paid
	case p.Status == Cancelled && p.Cancelled == 0 && !everPaid:
		p.Status = Failed
	case p.Status == Paid && 0 < p.Amount && p.Cancelled == p.Amount:
		p.Status = Cancelled
	}
	return p
}
