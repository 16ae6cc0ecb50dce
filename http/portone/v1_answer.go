// What V1 answers: the envelope, and a payment.
package portone

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
)

// call asks with a token, and once more with a fresh one when PortOne does not take it: what it refused, it has not done.
func (v *V1) call(ctx context.Context, method, path string, body any) (*reading, error) {
	access, err := v.token.get(ctx, "")
	if err != nil {
		return nil, err
	}
	status, answer, err := v.wire.call(ctx, method, path, bearer(access), body)
	if errors.Is(err, ErrAuth) {
		if access, err = v.token.get(ctx, access); err != nil {
			return nil, err
		}
		status, answer, err = v.wire.call(ctx, method, path, bearer(access), body)
	}
	if err != nil {
		return nil, err
	}
	return opened(status, answer)
}

func bearer(access string) http.Header { return http.Header{"Authorization": {"Bearer " + access}} }

// opened is what is in the envelope when it says yes. A no must be one in both status and code, or be a 200: so a page that
// some proxy answers with is no "not found".
func opened(status int, envelope object) (*reading, error) {
	f := &reading{object: envelope}
	code := f.number("code")
	switch {
	case f.err != nil:
		return nil, f.err
	case code == 0 && status == http.StatusOK:
		inner := f.inner("response")
		return inner, f.err
	case code == 0:
		return nil, malformed("its code is 0 and its status %d", status)
	case status == http.StatusNotFound:
		return nil, &Refusal{notFound, envelope.reason()}
	}
	return nil, &Refusal{strconv.FormatInt(code, 10), envelope.reason()}
}

var v1Statuses = map[string]Status{"ready": Ready, "paid": Paid, "cancelled": Cancelled, "failed": Failed}

// v1Payment is the payment in f, which must be the one that was asked for.
func v1Payment(f *reading, ref string) (Payment, error) {
	p := Payment{
		Ref:         f.text("imp_uid"),
		MerchantUID: f.text("merchant_uid"),
		Amount:      f.money("amount"),
		Cancelled:   f.money("cancel_amount"),
		Currency:    f.text("currency"),
		Status:      cmp.Or(v1Statuses[f.text("status")], Unknown),
		Test:        f.flag("sandbox"),
		FailReason:  brief(f.maybe("fail_reason")),
	}
	p.Waiting = p.Status == Ready && f.maybe("pay_method") == "vbank"
	return p.checked(ref, !f.has("paid_at") || f.number("paid_at") != 0, f.err)
}

// checked is the payment, if it makes sense and is the one that was asked for.
func (p Payment) checked(ref string, everPaid bool, err error) (Payment, error) {
	switch {
	case err != nil:
		return Payment{}, err
	case p.Ref != ref:
		return Payment{}, malformed("it is about %q", brief(p.Ref))
	case p.Cancelled > p.Amount || p.Pending > p.Amount:
		return Payment{}, malformed("more than %d was given back", p.Amount)
	}
	return p.settled(everPaid), nil
}
