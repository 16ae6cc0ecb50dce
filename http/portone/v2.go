// The V2 API. HTTP statuses mean what they say, and a key makes a repetition safe.
package portone

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
)

// V2 is a client of the V2 API. It may be used by many goroutines. A payment's reference is the merchant's own payment id.
type V2 struct {
	config Config
	wire   *wire
	keys   []webhookKey
}

// NewV2 asks nothing of PortOne yet.
func NewV2(c Config) (*V2, error) {
	if c.Secret == "" {
		return nil, errors.New("V2 of PortOne needs an API secret")
	}
	c = c.complete()
	w, err := newWire(c)
	if err != nil {
		return nil, err
	}
	keys, err := webhookKeys(c.WebhookSecrets)
	if err != nil {
		return nil, err
	}
	return &V2{c, w, keys}, nil
}

// Get is the payment as it stands now. There is none: ErrNotFound. Every other error is ErrUnknown.
func (v *V2) Get(ctx context.Context, ref string) (Payment, error) {
	if err := checkRef(ref); err != nil {
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
	if err := c.check(); err != nil {
		return false, err
	}
	f, err := v.call(ctx, http.MethodPost, "/payments/"+c.Ref+"/cancel", c.Key, v.ours(map[string]any{
		"amount": c.Amount, "currentCancellableAmount": c.Cancellable, "reason": c.Reason,
	}))
	if err != nil {
		return false, err
	}
	done := f.inner("cancellation")
	status, amount := done.text("status"), done.money("totalAmount")
	switch {
	case f.err != nil || done.err != nil:
		return false, errors.Join(f.err, done.err)
	case status == "FAILED":
		return false, &Refusal{"FAILED", brief(done.maybe("reason"))}
	case amount != c.Amount:
		return false, malformed("it gives back %d of %d", amount, c.Amount)
	case status == "SUCCEEDED":
		return false, nil
	case status == "REQUESTED":
		return true, nil
	}
	return false, malformed("its status is %q", brief(status))
}

// Prepare binds an amount to an order: the payment window refuses another. The same again is a yes.
func (v *V2) Prepare(ctx context.Context, merchantUID string, amount int64) error {
	if err := checkPrepare(merchantUID, amount); err != nil {
		return err
	}
	// A key of its own each time: what is prepared last stands, and a first answer must not hide that.
	_, err := v.call(ctx, http.MethodPost, "/payments/"+merchantUID+"/pre-register", rand.Text(), v.ours(map[string]any{
		"totalAmount": amount, "currency": v.config.Currency,
	}))
	return err
}

// ours is body with the store, where there is one to name.
func (v *V2) ours(body map[string]any) map[string]any {
	if v.config.Store != "" {
		body["storeId"] = v.config.Store
	}
	return body
}
