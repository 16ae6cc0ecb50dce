// What V2 answers: refusals with a type, and a payment whose status says which kind of payment it is.
package portone

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
)

// call asks with the secret, and with a key where something is to be done.
func (v *V2) call(ctx context.Context, method, path, key string, body any) (*reading, error) {
	header := http.Header{"Authorization": {"PortOne " + v.config.Secret}}
	if key != "" {
		header["Idempotency-Key"] = []string{`"` + key + `"`}
	}
	status, answer, err := v.wire.call(ctx, method, path, header, body)
	if err != nil {
		return nil, err
	}
	f := &reading{object: answer}
	if status == http.StatusOK {
		return f, nil
	}
	kind := f.text("type")
	switch {
	case f.err != nil || status/100 != 4:
		return nil, malformed("its status is %d", status)
	case kind == "PAYMENT_NOT_FOUND":
		return nil, &Refusal{notFound, answer.reason()}
	case status == http.StatusNotFound:
		return nil, malformed("a %d says %q", status, brief(kind))
	case kind == "IDEMPOTENCY_OUTSTANDING_REQUEST":
		return nil, fmt.Errorf("%w: the first request with this key is still under way", ErrUnknown)
	}
	return nil, &Refusal{brief(kind), answer.reason()}
}

// v2Statuses has both spellings of pending, for PortOne's own schema has both. More may come any day.
var v2Statuses = map[string]Status{
	"READY": Ready, "PENDING": Ready, "PAY_PENDING": Ready, "VIRTUAL_ACCOUNT_ISSUED": Ready, "PAID": Paid,
	"PARTIAL_CANCELLED": Paid, "CANCELLED": Cancelled, "FAILED": Failed,
}

// v2Payment is the payment in f, which must be the one that was asked for.
func v2Payment(f *reading, ref string) (Payment, error) {
	status, amount := f.text("status"), f.inner("amount")
	p := Payment{
		Ref:       f.text("id"),
		Amount:    amount.money("total"),
		Cancelled: amount.money("cancelled"),
		Pending:   f.pending(),
		Currency:  f.text("currency"),
		Status:    cmp.Or(v2Statuses[status], Unknown),
		Waiting:   status == "VIRTUAL_ACCOUNT_ISSUED",
	}
	p.MerchantUID = p.Ref
	if f.has("failure") {
		failure := f.inner("failure")
		p.FailReason = brief(cmp.Or(failure.maybe("reason"), failure.maybe("pgMessage")))
	}
	if p.Status == Paid || p.Status == Cancelled || f.has("channel") {
		p.Test = f.test()
	}
	return p.checked(ref, f.has("paidAt"), cmp.Or(f.err, amount.err))
}

// test says whether the channel moves no money. Where money may have moved, not to know it is a fault.
func (f *reading) test() bool {
	channel := f.inner("channel")
	kind := channel.text("type")
	if kind != "TEST" && kind != "LIVE" {
		f.fault("channel.type", fmt.Sprintf("is %q", brief(kind)))
	}
	return kind == "TEST"
}
