// Package portone is a client of PortOne (formerly Iamport), a payment provider: it looks up a payment, finds those of an
// order, refunds them in whole or in part, binds an amount to an order in advance, and parses webhooks. V1 and V2 are clients
// of PortOne's two APIs with the same methods.
//
// Every call has one of three outcomes, which the caller must distinguish because money depends on it:
//
//   - yes: the error is nil.
//   - no: errors.AsType[*Refusal] finds the reason. The request had no effect and will have none.
//   - unknown: errors.Is(err, ErrUnknown). The request may have had its effect, or may still have it: Get
//     shows which.
//
// Amounts are integers in the currency's minor unit, as V2 has them. V1 has them in the major unit, with decimals (14.2 US
// dollars), and is converted here, exactly.
//
// Requests are not retried, except once with a new token after PortOne refused the old one: a refused token had no effect.
// A webhook is not a fact, only a reason to call Get.
package portone

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"onsale/http/payments/currency"
)

// Config is for one client.
type Config struct {
	URL    string // "https://api.iamport.kr" for V1, "https://api.portone.io" for V2
	Key    string // imp_key; V1 only
	Secret string // imp_secret, or the API secret of V2

	// Store is the V2 store id; "" is the store that the secret belongs to.
	Store string
	// WebhookSecrets are those of V2, two during a rotation: "whsec_" and base64. V1 does not sign.
	WebhookSecrets []string
	// Test makes V1 find payments of test channels too. V2 always finds them; Payment.Test marks them.
	Test bool
	// Currency of prepared amounts, by ISO 4217; "" is KRW.
	Currency string
	// Timeout is for one request with its response; 0 is 60 s, the least that PortOne recommends.
	Timeout time.Duration
	// Now is the clock for the age of tokens and webhooks; nil is time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() (Config, error) {
	c.Currency = cmp.Or(c.Currency, "KRW")
	if _, known := currency.Decimals(c.Currency); !known {
		return c, fmt.Errorf("currency %.10q is not in ISO 4217, or has no minor unit", c.Currency)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// Status of a payment. A payment that was refunded in part is Paid, with Cancelled above 0.
type Status string

const (
	Ready     Status = "ready" // started, or waiting for a bank transfer
	Paid      Status = "paid"
	Cancelled Status = "cancelled" // refunded in full
	Failed    Status = "failed"    // may still become Paid later
	Unknown   Status = "unknown"   // a status that this client does not know
)

// Payment is one payment at PortOne. Amounts are in the currency's minor unit, exact, 0 ≤ Cancelled ≤ Amount.
type Payment struct {
	Ref         string // imp_uid, or the payment id of V2
	MerchantUID string // the order that it claims to be for; with V2 the same as Ref
	Amount      int64
	Cancelled   int64 // refunded
	// Pending refunds have neither succeeded nor failed (V2). PortOne does not document whether Cancelled includes them.
	Pending int64
	// Refunds is how many refunds V2 shows, failed ones too; 0 for V1.
	Refunds    int
	Currency   string // "KRW"; V1 has only those of ISO 4217
	Status     Status
	Waiting    bool   // a virtual account was issued and has received no transfer yet
	Test       bool   // of a test channel: no money has moved. V2 may not say before Paid
	FailReason string // for people
}

// validated checks that the payment is consistent and the one that was requested.
func (p Payment) validated(ref string, everPaid bool, err error) (Payment, error) {
	switch {
	case err != nil:
		return Payment{}, malformed("%w", err)
	case p.Ref != ref:
		return Payment{}, malformed("it is about payment %q", truncate(p.Ref))
	case p.Cancelled > p.Amount || p.Pending > p.Amount:
		return Payment{}, malformed("more than %d was refunded", p.Amount)
	}
	return p.normalized(everPaid), nil
}

// normalized makes the status fit the amounts: V1 does not document the status of a partly refunded payment, and V2 has a
// third one. A payment that was called off before it was paid, such as a closed virtual account, has failed: there is
// nothing to refund.
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

// ErrUnknown: no response came in time, or none that says what happened. The request may have had its effect.
var ErrUnknown = errors.New("outcome unknown")

// Kinds of ErrUnknown that retries will hardly resolve; an operator should look.
var (
	// ErrMalformed: a response came that is not as PortOne documents it.
	ErrMalformed = fmt.Errorf("%w: malformed response", ErrUnknown)
	// ErrAuth: PortOne refuses the keys. The request had no effect, and the response says nothing about the payment.
	ErrAuth = fmt.Errorf("%w: keys refused", ErrUnknown)
	// ErrNotPortOne: a page, a redirect, or a path that PortOne has is not found. The address or the API is wrong, or a
	// proxy answers.
	ErrNotPortOne = fmt.Errorf("%w: not a response of PortOne", ErrUnknown)
)

// ErrTooMany is the ErrUnknown of a client that sends more requests than PortOne wants: its documents say neither how many those are
// nor when to go on.
var ErrTooMany = fmt.Errorf("%w: too many requests", ErrUnknown)

// ErrNotFound is the Refusal of a payment that does not exist.
var ErrNotFound = errors.New("payment not found")

// Refusal is a definite no. Only an explicit answer of PortOne is one; a proxy's error page is not.
type Refusal struct {
	Code   string // "not_found", "not_sent", the number of V1, or the type of V2
	Reason string // PortOne's message, for people
}

func (r *Refusal) Error() string { return fmt.Sprintf("refused (%s): %s", r.Code, r.Reason) }

// Is makes errors.Is(err, ErrNotFound) work.
func (r *Refusal) Is(target error) bool { return target == ErrNotFound && r.Code == notFound }

const (
	notFound = "not_found"
	notSent  = "not_sent" // invalid, refused by this client
)

func refuse(format string, a ...any) error { return &Refusal{notSent, fmt.Sprintf(format, a...)} }

func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, a...))
}

// onlyNotFound makes any other refusal of a look-up unknown: it says nothing about the payment.
func onlyNotFound(err error) error {
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Code != notFound && refusal.Code != notSent {
		return fmt.Errorf("%w: %s", ErrUnknown, refusal)
	}
	return err
}

// maxReason is in bytes; card companies' messages are sometimes whole HTML pages.
const maxReason = 300

func truncate(reason string) string {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return strings.ToValidUTF8(reason, "")
}

// Cancel is a refund request.
type Cancel struct {
	Ref string // Payment.Ref
	// Amount to refund, above 0 and up to Cancellable: V1 takes 0 for "refund everything", so 0 is never sent. Below
	// Cancellable the payment stays Paid.
	Amount int64
	// Cancellable is the balance that the caller believes can still be refunded, Amount − Cancelled as Get showed it with
	// nothing Pending.
	// PortOne refuses when it is another: so a retry after an unknown outcome cannot refund twice.
	Cancellable int64
	Currency    string // Payment.Currency
	Reason      string // for people, also the payer
	// Key is the same in each retry of one Cancel, 16 to 256 letters, digits, - and _; for 3 hours V2 repeats the first
	// response to it. Use a new one after a refusal, and after a pending refund has failed. V1 ignores it.
	Key string
}

const (
	maxMerchantUID = 40 // bytes, V1's limit
	maxRef         = 64
	minKey, maxKey = 16, 256
)

func (c Cancel) validate() error {
	switch {
	case c.Amount <= 0:
		return refuse("amount %d is not positive", c.Amount)
	case c.Cancellable < c.Amount:
		return refuse("amount %d is more than the balance %d", c.Amount, c.Cancellable)
	case strings.TrimSpace(c.Reason) == "":
		return refuse("reason is missing")
	case len(c.Key) < minKey || len(c.Key) > maxKey || !isSafe(c.Key):
		return refuse("key is not %d to %d letters, digits, - and _", minKey, maxKey)
	}
	return validateRef(c.Ref)
}

func validateRef(ref string) error {
	if ref == "" || len(ref) > maxRef || !isSafe(ref) {
		return refuse("%q is not a payment reference", truncate(ref))
	}
	return nil
}

func validatePrepare(merchantUID string, amount int64) error {
	if amount <= 0 {
		return refuse("amount %d is not positive", amount)
	}
	return validateMerchantUID(merchantUID)
}

func validateMerchantUID(merchantUID string) error {
	if merchantUID == "" || len(merchantUID) > maxMerchantUID || !isSafe(merchantUID) {
		return refuse("merchant_uid %q is not 1 to %d letters, digits, - and _", truncate(merchantUID), maxMerchantUID)
	}
	return nil
}

// isSafe: s has only letters, digits, - and _, nothing with a meaning in a path or a header. References come from users.
func isSafe(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_')
	}) < 0
}
