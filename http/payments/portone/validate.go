// What is refused before anything is sent. V1 takes an amount of 0 for "give back everything", so no such request may ever
// leave this process; references come from users, and become parts of paths.

package portone

import (
	"cmp"
	"strings"
	"time"
)

// Cancel asks for money back.
type Cancel struct {
	Ref string // Payment.Ref
	// Amount to give back, above 0.
	Amount int64
	// Cancellable is the balance that the caller believes can still be given back, Amount − Cancelled as Get showed it.
	// PortOne refuses when it is another: so a repetition after an unknown outcome can not give back twice.
	Cancellable int64
	Reason      string // for people, also the payer
	// Key is the same in each repetition of one Cancel, 16 to 256 letters, digits, - and _; V2 answers it as the first
	// time for 3 hours. After a refusal take a new one. V1 does without.
	Key string
}

const (
	maxMerchantUID = 40 // bytes; V1 takes no more
	maxRef         = 64
	minKey, maxKey = 16, 256
)

func (c Cancel) validate() error {
	switch {
	case c.Amount <= 0:
		return refuse("an amount of %d cannot be given back", c.Amount)
	case c.Cancellable < c.Amount:
		return refuse("%d is more than the %d that are left", c.Amount, c.Cancellable)
	case strings.TrimSpace(c.Reason) == "":
		return refuse("a cancellation needs a reason")
	case len(c.Key) < minKey || len(c.Key) > maxKey || !isSafe(c.Key):
		return refuse("a key has %d to %d letters, digits, - and _", minKey, maxKey)
	}
	return validateRef(c.Ref)
}

func validateRef(ref string) error {
	if ref == "" || len(ref) > maxRef || !isSafe(ref) {
		return refuse("%q is no reference of a payment", truncate(ref))
	}
	return nil
}

func validatePrepare(merchantUID string, amount int64) error {
	if merchantUID == "" || len(merchantUID) > maxMerchantUID || !isSafe(merchantUID) {
		return refuse("a merchant_uid has 1 to %d letters, digits, - and _, unlike %q", maxMerchantUID, truncate(merchantUID))
	}
	if amount <= 0 {
		return refuse("an amount of %d cannot be paid", amount)
	}
	return nil
}

// isSafe has nothing but letters, digits, - and _: nothing that means anything in a path or a header.
func isSafe(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_')
	}) < 0
}

// withDefaults fills in what is usual.
func (c Config) withDefaults() Config {
	c.Currency = cmp.Or(c.Currency, "KRW")
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
