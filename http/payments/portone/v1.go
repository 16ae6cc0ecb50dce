// The V1 API. Every response is in an envelope with its own code; an HTTP status of 200 means nothing.

package portone

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"onsale/http/jsonobject"
	"onsale/http/payments/currency"
)

// V1 is a client of the V1 API, safe for concurrent use.
type V1 struct {
	config    Config
	transport *transport
	token     *token
}

// NewV1 sends nothing yet.
func NewV1(c Config) (*V1, error) {
	if c.Key == "" || c.Secret == "" {
		return nil, errors.New("V1 of PortOne needs a key and a secret")
	}
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	t, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	return &V1{c, t, &token{config: c, transport: t}}, nil
}

// Get returns the current state of a payment, or ErrNotFound, also for a test channel's payment unless Config.Test. Every
// other error is an ErrUnknown.
func (v *V1) Get(ctx context.Context, ref string) (Payment, error) {
	if err := validateRef(ref); err != nil {
		return Payment{}, err
	}
	path := "/payments/" + ref
	if v.config.Test {
		path += "?include_sandbox=true"
	}
	o, err := v.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return Payment{}, onlyNotFound(err)
	}
	return v1Payment(o, ref)
}

// Cancel refunds. It is a yes only if the response shows the balance that must be left; pending is never true, since V1
// does not say. A no is about this request only: call Get before acting on it, because a repeated refund is refused too.
func (v *V1) Cancel(ctx context.Context, c Cancel) (pending bool, err error) {
	if err := c.validate(); err != nil {
		return false, err
	}
	refund, err := majorNumber(c.Currency, c.Amount)
	if err != nil {
		return false, err
	}
	balance, err := majorNumber(c.Currency, c.Cancellable)
	if err != nil {
		return false, err
	}
	o, err := v.call(ctx, http.MethodPost, "/payments/cancel", map[string]any{
		"imp_uid": c.Ref, "amount": refund, "checksum": balance, "reason": c.Reason,
	})
	if err != nil {
		return false, err
	}
	p, err := v1Payment(o, c.Ref)
	switch {
	case err != nil:
	case p.Currency != c.Currency:
		err = malformed("it refunds %s instead of %s", truncate(p.Currency), c.Currency)
	case p.Amount-p.Cancelled != c.Cancellable-c.Amount:
		err = malformed("%d of %d are left after refunding %d", p.Amount-p.Cancelled, c.Cancellable, c.Amount)
	}
	return false, err
}

// Prepare binds an amount to an order: the payment window refuses any other. PortOne accepts a merchant_uid once; a retry
// with the same amount is a yes here, so that it settles an unknown outcome.
func (v *V1) Prepare(ctx context.Context, merchantUID string, amountDue int64) error {
	if err := validatePrepare(merchantUID, amountDue); err != nil {
		return err
	}
	number, err := majorNumber(v.config.Currency, amountDue)
	if err != nil {
		return err
	}
	o, err := v.call(ctx, http.MethodPost, "/payments/prepare", map[string]any{
		"merchant_uid": merchantUID, "amount": number, "currency": v.config.Currency,
	})
	refusal, refused := errors.AsType[*Refusal](err)
	if refused {
		o, err = v.call(ctx, http.MethodGet, "/payments/prepare/"+merchantUID, nil)
	}
	if err != nil {
		if _, alsoRefused := errors.AsType[*Refusal](err); refused && alsoRefused {
			return refusal // the first reason says more
		}
		return err
	}
	uid, prepared := o.RequiredText("merchant_uid"), majorAmount(o, "amount", v.config.Currency)
	switch {
	case o.Err() != nil:
		return malformed("%w", o.Err())
	case uid != merchantUID:
		return malformed("it is about order %q", truncate(uid))
	case prepared != amountDue && refused:
		return &Refusal{refusal.Code, "it is prepared for " + strconv.FormatInt(prepared, 10) + ": " + refusal.Reason}
	case prepared != amountDue:
		return malformed("it prepared %d", prepared)
	}
	return nil
}

// call sends a request with a token, and once more with a new one if PortOne refuses it: a refused request had no effect.
func (v *V1) call(ctx context.Context, method, path string, body any) (*jsonobject.Object, error) {
	access, err := v.token.get(ctx, "")
	if err != nil {
		return nil, err
	}
	status, response, err := v.transport.call(ctx, method, path, bearer(access), body)
	if errors.Is(err, ErrAuth) {
		if access, err = v.token.get(ctx, access); err != nil {
			return nil, err
		}
		status, response, err = v.transport.call(ctx, method, path, bearer(access), body)
	}
	if err != nil {
		return nil, err
	}
	return unwrap(status, response)
}

func bearer(access string) http.Header { return http.Header{"Authorization": {"Bearer " + access}} }

// unwrap returns the content of the envelope if it says yes. A no must be one in both status and code, or be a 200: so a
// proxy's 404 is not taken for "payment not found".
func unwrap(status int, envelope *jsonobject.Object) (*jsonobject.Object, error) {
	code := envelope.RequiredInteger("code")
	switch {
	case envelope.Err() != nil:
		return nil, malformed("%w", envelope.Err())
	case code == 0 && status == http.StatusOK:
		response := envelope.RequiredObject("response")
		if err := envelope.Err(); err != nil {
			return nil, malformed("%w", err)
		}
		return response, nil
	case code == 0:
		return nil, malformed("its code is 0 and its status %d", status)
	case status == http.StatusNotFound:
		return nil, &Refusal{notFound, reason(envelope)}
	}
	return nil, &Refusal{strconv.FormatInt(code, 10), reason(envelope)}
}

var v1Statuses = map[string]Status{"ready": Ready, "paid": Paid, "cancelled": Cancelled, "failed": Failed}

// v1Payment reads the payment in o, which must be the one that was requested.
func v1Payment(o *jsonobject.Object, ref string) (Payment, error) {
	code := o.RequiredText("currency")
	p := Payment{
		Ref:         o.RequiredText("imp_uid"),
		MerchantUID: o.RequiredText("merchant_uid"),
		Amount:      majorAmount(o, "amount", code),
		Cancelled:   majorAmount(o, "cancel_amount", code),
		Currency:    code,
		Status:      cmp.Or(v1Statuses[o.RequiredText("status")], Unknown),
		Test:        o.RequiredBool("sandbox"),
		FailReason:  truncate(o.Text("fail_reason")),
	}
	p.Waiting = p.Status == Ready && o.Text("pay_method") == "vbank"
	everPaid := !o.Has("paid_at") || o.RequiredInteger("paid_at") != 0
	return p.validated(ref, everPaid, o.Err())
}

// majorAmount reads an amount in the major unit of a currency and returns it in the minor one.
func majorAmount(o *jsonobject.Object, name, code string) int64 {
	n, err := currency.ParseMajor(code, o.RequiredNumber(name).String())
	if err != nil {
		o.Invalid(name, "%s", err)
	}
	return n
}

// majorNumber is an amount as V1 wants it.
func majorNumber(code string, minor int64) (json.Number, error) {
	text, err := currency.FormatMajor(code, minor)
	if err != nil {
		return "", refuse("%s", err)
	}
	return json.Number(text), nil
}
