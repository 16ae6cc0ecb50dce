// The V1 API. Every answer is in an envelope with a code of its own, and an HTTP status of 200 says nothing.

package portone

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
)

// V1 is a client of the V1 API. It may be used by many goroutines.
type V1 struct {
	config    Config
	transport *transport
	token     *token
}

// NewV1 asks nothing of PortOne yet.
func NewV1(c Config) (*V1, error) {
	if c.Key == "" || c.Secret == "" {
		return nil, errors.New("V1 of PortOne needs a key and a secret")
	}
	c = c.withDefaults()
	t, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	return &V1{c, t, &token{config: c, transport: t}}, nil
}

// Get is the payment as it stands now. There is none: ErrNotFound; also of a test channel, unless Config.Test. Every other
// error is ErrUnknown.
func (v *V1) Get(ctx context.Context, ref string) (Payment, error) {
	if err := validateRef(ref); err != nil {
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
	if err := c.validate(); err != nil {
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
	if err := validatePrepare(merchantUID, amount); err != nil {
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
		if _, alsoRefused := errors.AsType[*Refusal](err); refused && alsoRefused {
			return refusal // and the first reason is the better one
		}
		return err
	}
	uid, prepared := f.string("merchant_uid"), f.amount("amount")
	switch {
	case f.err != nil:
		return f.err
	case uid != merchantUID:
		return malformed("it is about %q", truncate(uid))
	case prepared != amount && refused:
		return &Refusal{refusal.Code, "it is prepared for " + strconv.FormatInt(prepared, 10) + ": " + refusal.Reason}
	case prepared != amount:
		return malformed("it prepared %d", prepared)
	}
	return nil
}

// What V1 answers: the envelope, and a payment.

// call asks with a token, and once more with a fresh one when PortOne does not take it: what it refused, it has not done.
func (v *V1) call(ctx context.Context, method, path string, body any) (*fields, error) {
	access, err := v.token.get(ctx, "")
	if err != nil {
		return nil, err
	}
	status, answer, err := v.transport.call(ctx, method, path, bearer(access), body)
	if errors.Is(err, ErrAuth) {
		if access, err = v.token.get(ctx, access); err != nil {
			return nil, err
		}
		status, answer, err = v.transport.call(ctx, method, path, bearer(access), body)
	}
	if err != nil {
		return nil, err
	}
	return unwrap(status, answer)
}

func bearer(access string) http.Header { return http.Header{"Authorization": {"Bearer " + access}} }

// unwrap is what is in the envelope when it says yes. A no must be one in both status and code, or be a 200: so a page that
// some proxy answers with is no "not found".
func unwrap(status int, envelope object) (*fields, error) {
	f := &fields{object: envelope}
	code := f.number("code")
	switch {
	case f.err != nil:
		return nil, f.err
	case code == 0 && status == http.StatusOK:
		response := f.child("response")
		return response, f.err
	case code == 0:
		return nil, malformed("its code is 0 and its status %d", status)
	case status == http.StatusNotFound:
		return nil, &Refusal{notFound, envelope.reason()}
	}
	return nil, &Refusal{strconv.FormatInt(code, 10), envelope.reason()}
}

var v1Statuses = map[string]Status{"ready": Ready, "paid": Paid, "cancelled": Cancelled, "failed": Failed}

// v1Payment is the payment in f, which must be the one that was asked for.
func v1Payment(f *fields, ref string) (Payment, error) {
	p := Payment{
		Ref:         f.string("imp_uid"),
		MerchantUID: f.string("merchant_uid"),
		Amount:      f.amount("amount"),
		Cancelled:   f.amount("cancel_amount"),
		Currency:    f.string("currency"),
		Status:      cmp.Or(v1Statuses[f.string("status")], Unknown),
		Test:        f.bool("sandbox"),
		FailReason:  truncate(f.optString("fail_reason")),
	}
	p.Waiting = p.Status == Ready && f.optString("pay_method") == "vbank"
	return p.validated(ref, !f.has("paid_at") || f.number("paid_at") != 0, f.err)
}

// validated is the payment, if it makes sense and is the one that was asked for.
func (p Payment) validated(ref string, everPaid bool, err error) (Payment, error) {
	switch {
	case err != nil:
		return Payment{}, err
	case p.Ref != ref:
		return Payment{}, malformed("it is about %q", truncate(p.Ref))
	case p.Cancelled > p.Amount || p.Pending > p.Amount:
		return Payment{}, malformed("more than %d was given back", p.Amount)
	}
	return p.normalized(everPaid), nil
}
