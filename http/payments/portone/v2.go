// The V2 API. HTTP statuses mean what they say, and an idempotency key makes retries safe.

package portone

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"

	"onsale/http/jsonobject"
)

// V2 is a client of the V2 API, safe for concurrent use. A payment's reference is the merchant's own payment id.
type V2 struct {
	config    Config
	transport *transport
	keys      []webhookKey
}

// NewV2 sends nothing yet.
func NewV2(c Config) (*V2, error) {
	if c.Secret == "" {
		return nil, errors.New("V2 of PortOne needs an API secret")
	}
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	t, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	keys, err := webhookKeys(c.WebhookSecrets)
	if err != nil {
		return nil, err
	}
	return &V2{c, t, keys}, nil
}

// Get returns the current state of a payment, or ErrNotFound. Every other error is an ErrUnknown.
func (v *V2) Get(ctx context.Context, ref string) (Payment, error) {
	if err := validateRef(ref); err != nil {
		return Payment{}, err
	}
	path := "/payments/" + ref
	if v.config.Store != "" {
		path += "?storeId=" + url.QueryEscape(v.config.Store)
	}
	o, err := v.call(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return Payment{}, onlyNotFound(err)
	}
	return v2Payment(o, ref)
}

// Cancel refunds. Pending is a yes whose money has not moved yet and which may still fail; a later Get shows it. A no
// is about this request only: call Get before acting on it, because a repeated refund is refused too.
func (v *V2) Cancel(ctx context.Context, c Cancel) (pending bool, err error) {
	if err := c.validate(); err != nil {
		return false, err
	}
	o, err := v.call(ctx, http.MethodPost, "/payments/"+c.Ref+"/cancel", c.Key, v.withStore(map[string]any{
		"amount": c.Amount, "currentCancellableAmount": c.Cancellable, "reason": c.Reason,
	}))
	if err != nil {
		return false, err
	}
	cancellation := o.RequiredObject("cancellation")
	status, refunded := cancellation.RequiredText("status"), amount(cancellation, "totalAmount")
	switch {
	case o.Err() != nil:
		return false, malformed("%w", o.Err())
	case status == "FAILED":
		return false, &Refusal{"FAILED", truncate(cancellation.Text("reason"))}
	case refunded != c.Amount:
		return false, malformed("it refunds %d of %d", refunded, c.Amount)
	case status == "SUCCEEDED":
		return false, nil
	case status == "REQUESTED":
		return true, nil
	}
	return false, malformed("its status is %q", truncate(status))
}

// Prepare binds an amount to an order: the payment window refuses any other. A retry is a yes.
func (v *V2) Prepare(ctx context.Context, merchantUID string, amountDue int64) error {
	if err := validatePrepare(merchantUID, amountDue); err != nil {
		return err
	}
	// A new key each time: the last amount counts, and the repeated response to a first one would hide that.
	_, err := v.call(ctx, http.MethodPost, "/payments/"+merchantUID+"/pre-register", rand.Text(), v.withStore(map[string]any{
		"totalAmount": amountDue, "currency": v.config.Currency,
	}))
	return err
}

func (v *V2) withStore(body map[string]any) map[string]any {
	if v.config.Store != "" {
		body["storeId"] = v.config.Store
	}
	return body
}

// call sends a request with the secret, and with an idempotency key unless it is "".
func (v *V2) call(ctx context.Context, method, path, key string, body any) (*jsonobject.Object, error) {
	header := http.Header{"Authorization": {"PortOne " + v.config.Secret}}
	if key != "" {
		header["Idempotency-Key"] = []string{`"` + key + `"`}
	}
	status, o, err := v.transport.call(ctx, method, path, header, body)
	if err != nil {
		return nil, err
	}
	if status == http.StatusOK {
		return o, nil
	}
	kind := o.RequiredText("type")
	switch {
	case o.Err() != nil || status/100 != 4:
		return nil, malformed("its status is %d", status)
	case kind == "PAYMENT_NOT_FOUND":
		return nil, &Refusal{notFound, reason(o)}
	case status == http.StatusNotFound:
		return nil, fmt.Errorf("%w: %s %s is a 404 with the type %q", ErrNotPortOne, method, path, truncate(kind))
	case kind == "IDEMPOTENCY_OUTSTANDING_REQUEST":
		return nil, fmt.Errorf("%w: the first request with this key is still in progress", ErrUnknown)
	}
	return nil, &Refusal{truncate(kind), reason(o)}
}

// v2Statuses has both spellings of pending that PortOne's schema has. New statuses may come at any time.
var v2Statuses = map[string]Status{
	"READY": Ready, "PENDING": Ready, "PAY_PENDING": Ready, "VIRTUAL_ACCOUNT_ISSUED": Ready, "PAID": Paid,
	"PARTIAL_CANCELLED": Paid, "CANCELLED": Cancelled, "FAILED": Failed,
}

// v2Payment reads the payment in o, which must be the one that was requested.
func v2Payment(o *jsonobject.Object, ref string) (Payment, error) {
	status, amounts := o.RequiredText("status"), o.RequiredObject("amount")
	p := Payment{
		Ref:       o.RequiredText("id"),
		Amount:    amount(amounts, "total"),
		Cancelled: amount(amounts, "cancelled"),
		Pending:   pendingRefunds(o),
		Refunds:   countRefunds(o),
		Currency:  o.RequiredText("currency"),
		Status:    cmp.Or(v2Statuses[status], Unknown),
		Waiting:   status == "VIRTUAL_ACCOUNT_ISSUED",
	}
	p.MerchantUID = p.Ref
	if p.Status == Paid || p.Status == Cancelled || o.Has("channel") {
		p.Test = isTest(o)
	}
	err := o.Err()
	o.Object("failure", func(failure *jsonobject.Object) { // for people only, so its faults do not count
		p.FailReason = truncate(cmp.Or(failure.Text("reason"), failure.Text("pgMessage")))
	})
	return p.validated(ref, o.Has("paidAt"), err)
}

// isTest: the channel moves no money. Where money may have moved, an unknown kind of channel is an error.
func isTest(o *jsonobject.Object) bool {
	channel := o.RequiredObject("channel")
	kind := channel.RequiredText("type")
	if kind != "TEST" && kind != "LIVE" {
		channel.Invalid("type", "is %q", truncate(kind))
	}
	return kind == "TEST"
}

func countRefunds(o *jsonobject.Object) (n int) {
	o.Each("cancellations", func(*jsonobject.Object) { n++ })
	return n
}

// pendingRefunds is the sum of the cancellations that have neither succeeded nor failed, also under a new status: V2
// refunds some payments later.
func pendingRefunds(o *jsonobject.Object) (sum int64) {
	o.Each("cancellations", func(c *jsonobject.Object) {
		if status := c.RequiredText("status"); status != "SUCCEEDED" && status != "FAILED" {
			pending := amount(c, "totalAmount")
			if pending > math.MaxInt64-sum {
				c.Invalid("totalAmount", "is too large")
			}
			sum += pending
		}
	})
	return sum
}
