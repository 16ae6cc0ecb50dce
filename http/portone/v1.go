// The V1 API. Every answer is in an envelope with a code of its own, and an HTTP status of 200 says nothing.
package portone

import (
	"context"
	"errors"
	"net/http"
	"strconv"
)

// V1 is a client of the V1 API. It may be used by many goroutines.
type V1 struct {
	config Config
	wire   *wire
	token  *token
}

// NewV1 asks nothing of PortOne yet.
func NewV1(c Config) (*V1, error) {
	if c.Key == "" || c.Secret == "" {
		return nil, errors.New("V1 of PortOne needs a key and a secret")
	}
	c = c.complete()
	w, err := newWire(c)
	if err != nil {
		return nil, err
	}
	return &V1{c, w, &token{config: c, wire: w}}, nil
}

// Get is the payment as it stands now. There is none: ErrNotFound; also of a test channel, unless Config.Test. Every other
// error is ErrUnknown.
func (v *V1) Get(ctx context.Context, ref string) (Payment, error) {
	if err := checkRef(ref); err != nil {
		return Payment{}, err
	}
	path := "/payments/" + ref
	if v.config.Test {
		path += "?include_sandbox=true"
	}
	f, err := v.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return Payment{}, onlyNotFound(err)
	}
	return v1Payment(f, ref)
}

// Cancel gives money back. The answer is a yes only if it shows the balance that must be left; pending is never true, since
// V1 does not say. A no is PortOne's or the PG's word on this request: Get before acting on it, for of a payment that is
// cancelled already the answer is a no as well.
func (v *V1) Cancel(ctx context.Context, c Cancel) (pending bool, err error) {
	if err := c.check(); err != nil {
		return false, err
	}
	f, err := v.call(ctx, http.MethodPost, "/payments/cancel", map[string]any{
		"imp_uid": c.Ref, "amount": c.Amount, "checksum": c.Cancellable, "reason": c.Reason,
	})
	if err != nil {
		return false, err
	}
	p, err := v1Payment(f, c.Ref)
	if err == nil && p.Amount-p.Cancelled != c.Cancellable-c.Amount {
		err = malformed("%d of %d are left after giving back %d", p.Amount-p.Cancelled, c.Cancellable, c.Amount)
	}
	return false, err
}

// Prepare binds an amount to an order: the payment window refuses another. The same again is a yes, for PortOne takes a
// merchant_uid once, and whoever asks again after an unknown outcome has to learn that all is well.
func (v *V1) Prepare(ctx context.Context, merchantUID string, amount int64) error {
	if err := checkPrepare(merchantUID, amount); err != nil {
		return err
	}
	f, err := v.call(ctx, http.MethodPost, "/payments/prepare", map[string]any{
		"merchant_uid": merchantUID, "amount": amount, "currency": v.config.Currency,
	})
	refusal, refused := errors.AsType[*Refusal](err)
	if refused {
		f, err = v.call(ctx, http.MethodGet, "/payments/prepare/"+merchantUID, nil)
	}
	if err != nil {
		if _, nothing := errors.AsType[*Refusal](err); refused && nothing {
			return refusal // and the first reason is the better one
		}
		return err
	}
	uid, prepared := f.text("merchant_uid"), f.money("amount")
	switch {
	case f.err != nil:
		return f.err
	case uid != merchantUID:
		return malformed("it is about %q", brief(uid))
	case prepared != amount && refused:
		return &Refusal{refusal.Code, "it is prepared for " + strconv.FormatInt(prepared, 10) + ": " + refusal.Reason}
	case prepared != amount:
		return malformed("it prepared %d", prepared)
	}
	return nil
}
