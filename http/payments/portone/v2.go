// The V2 API. HTTP statuses mean what they say, and a key makes a repetition safe.

package portone

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
)

// V2 is a client of the V2 API. It may be used by many goroutines. A payment's reference is the merchant's own payment id.
type V2 struct {
	config    Config
	transport *transport
	keys      []webhookKey
}

// NewV2 asks nothing of PortOne yet.
func NewV2(c Config) (*V2, error) {
	if c.Secret == "" {
		return nil, errors.New("V2 of PortOne needs an API secret")
	}
	c = c.withDefaults()
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

// Get is the payment as it stands now. There is none: ErrNotFound. Every other error is ErrUnknown.
func (v *V2) Get(ctx context.Context, ref string) (Payment, error) {
	if err := validateRef(ref); err != nil {
		return Payment{}, err
	}
	path := "/payments/" + ref
	if v.config.Store != "" {
		path += "?storeId=" + url.QueryEscape(v.config.Store)
	}
	f, err := v.call(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return Payment{}, onlyNotFound(err)
	}
	return v2Payment(f, ref)
}

// Cancel gives money back. Pending is a yes of which the money has not moved yet, and which may still fail: Get tells,
// later. A no is PortOne's word on this request: Get before acting on it, for of a payment that is cancelled already the
// answer is a no as well.
func (v *V2) Cancel(ctx context.Context, c Cancel) (pending bool, err error) {
	if err := c.validate(); err != nil {
		return false, err
	}
	f, err := v.call(ctx, http.MethodPost, "/payments/"+c.Ref+"/cancel", c.Key, v.withStore(map[string]any{
		"amount": c.Amount, "currentCancellableAmount": c.Cancellable, "reason": c.Reason,
	}))
	if err != nil {
		return false, err
	}
	cancellation := f.child("cancellation")
	status, amount := cancellation.string("status"), cancellation.amount("totalAmount")
	switch {
	case f.err != nil || cancellation.err != nil:
		return false, errors.Join(f.err, cancellation.err)
	case status == "FAILED":
		return false, &Refusal{"FAILED", truncate(cancellation.optString("reason"))}
	case amount != c.Amount:
		return false, malformed("it gives back %d of %d", amount, c.Amount)
	case status == "SUCCEEDED":
		return false, nil
	case status == "REQUESTED":
		return true, nil
	}
	return false, malformed("its status is %q", truncate(status))
}

// Prepare binds an amount to an order: the payment window refuses another. The same again is a yes.
func (v *V2) Prepare(ctx context.Context, merchantUID string, amount int64) error {
	if err := validatePrepare(merchantUID, amount); err != nil {
		return err
	}
	// A key of its own each time: what is prepared last stands, and a first answer must not hide that.
	_, err := v.call(ctx, http.MethodPost, "/payments/"+merchantUID+"/pre-register", rand.Text(), v.withStore(map[string]any{
		"totalAmount": amount, "currency": v.config.Currency,
	}))
	return err
}

// withStore is body with the store, where there is one to name.
func (v *V2) withStore(body map[string]any) map[string]any {
	if v.config.Store != "" {
		body["storeId"] = v.config.Store
	}
	return body
}

// What V2 answers: refusals with a type, and a payment whose status says which kind of payment it is.

// call asks with the secret, and with a key where something is to be done.
func (v *V2) call(ctx context.Context, method, path, key string, body any) (*fields, error) {
	header := http.Header{"Authorization": {"PortOne " + v.config.Secret}}
	if key != "" {
		header["Idempotency-Key"] = []string{`"` + key + `"`}
	}
	status, answer, err := v.transport.call(ctx, method, path, header, body)
	if err != nil {
		return nil, err
	}
	f := &fields{object: answer}
	if status == http.StatusOK {
		return f, nil
	}
	kind := f.string("type")
	switch {
	case f.err != nil || status/100 != 4:
		return nil, malformed("its status is %d", status)
	case kind == "PAYMENT_NOT_FOUND":
		return nil, &Refusal{notFound, answer.reason()}
	case status == http.StatusNotFound:
		return nil, malformed("a %d says %q", status, truncate(kind))
	case kind == "IDEMPOTENCY_OUTSTANDING_REQUEST":
		return nil, fmt.Errorf("%w: the first request with this key is still under way", ErrUnknown)
	}
	return nil, &Refusal{truncate(kind), answer.reason()}
}

// v2Statuses has both spellings of pending, for PortOne's own schema has both. More may come any day.
var v2Statuses = map[string]Status{
	"READY": Ready, "PENDING": Ready, "PAY_PENDING": Ready, "VIRTUAL_ACCOUNT_ISSUED": Ready, "PAID": Paid,
	"PARTIAL_CANCELLED": Paid, "CANCELLED": Cancelled, "FAILED": Failed,
}

// v2Payment is the payment in f, which must be the one that was asked for.
func v2Payment(f *fields, ref string) (Payment, error) {
	status, amount := f.string("status"), f.child("amount")
	p := Payment{
		Ref:       f.string("id"),
		Amount:    amount.amount("total"),
		Cancelled: amount.amount("cancelled"),
		Pending:   f.pending(),
		Currency:  f.string("currency"),
		Status:    cmp.Or(v2Statuses[status], Unknown),
		Waiting:   status == "VIRTUAL_ACCOUNT_ISSUED",
	}
	p.MerchantUID = p.Ref
	if f.has("failure") {
		failure := f.child("failure")
		p.FailReason = truncate(cmp.Or(failure.optString("reason"), failure.optString("pgMessage")))
	}
	if p.Status == Paid || p.Status == Cancelled || f.has("channel") {
		p.Test = f.isTest()
	}
	return p.validated(ref, f.has("paidAt"), cmp.Or(f.err, amount.err))
}

// isTest says whether the channel moves no money. Where money may have moved, not to know it is a fault.
func (f *fields) isTest() bool {
	channel := f.child("channel")
	kind := channel.string("type")
	if kind != "TEST" && kind != "LIVE" {
		f.invalid("channel.type", fmt.Sprintf("is %q", truncate(kind)))
	}
	return kind == "TEST"
}

// Cancellations of which nobody knows yet how they end: V2 gives some money back later.

// pending is what was asked back and has neither succeeded nor failed, also under a status that is new.
func (f *fields) pending() int64 {
	if !f.has("cancellations") {
		return 0
	}
	var list []object
	if json.Unmarshal(f.object["cancellations"], &list) != nil {
		f.invalid("cancellations", "is no list of objects")
	}
	sum := int64(0)
	for _, cancellation := range list {
		c := fields{object: cancellation}
		if status := c.string("status"); status != "SUCCEEDED" && status != "FAILED" {
			amount := c.amount("totalAmount")
			if amount > math.MaxInt64-sum {
				c.invalid("totalAmount", "is too much")
			}
			sum += amount
		}
		if c.err != nil && f.err == nil {
			f.err = c.err
		}
	}
	return sum
}
