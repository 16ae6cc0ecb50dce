// The language of the transcripts: what the provider says of a payment.
package shop_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"onsale/domain/orders"
)

var sayForm = regexp.MustCompile(`^says of (\S+): (.*)$`)

// says has the shop learn what the provider says of a payment. It was asked when the order stood as it stands now, or, at
// the end of the line, "asked at 4": as event 4 had made it.
func (d *diary) says(wish string) error {
	m := sayForm.FindStringSubmatch(wish)
	if m == nil {
		return fmt.Errorf("no provider says so")
	}
	var learn orders.Learn
	if o := d.Orders.Order(m[1]); o != nil {
		learn.After = o.Event
	}
	if err := parsePayment(m[2], &learn); err != nil {
		return err
	}
	cmd, events := d.ask("", "", m[1], learn)
	d.tell(cmd, events)
	return nil
}

// parsePayment takes "paid 40000, in USD, as m2000-x, a test, 15000 of it back, asked at 4". One that nobody has prepared
// has the merchant_uid "own".
func parsePayment(text string, learn *orders.Learn) (err error) {
	state, more, _ := strings.Cut(text, ", ")
	p := &learn.Payment
	var amount string
	if p.State, amount, _ = strings.Cut(state, " "); amount != "" {
		p.MerchantUID, p.Currency = "own", "KRW"
		if p.Amount, err = strconv.ParseInt(amount, 10, 64); err != nil {
			return err
		}
	}
	for part := range strings.SplitSeq(more, ", ") {
		word, rest, _ := strings.Cut(part, " ")
		switch {
		case part == "":
		case part == "a test":
			p.Test = true
		case word == "in":
			p.Currency = rest
		case word == "as":
			p.MerchantUID = rest
		case rest == "of it back":
			p.Cancelled, err = strconv.ParseInt(word, 10, 64)
		case word == "asked":
			learn.After, err = strconv.ParseUint(strings.TrimPrefix(rest, "at "), 10, 64)
		default:
			err = fmt.Errorf("payment with %q", part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// paymentText is what parsePayment takes.
func paymentText(p orders.Payment) string {
	if p == (orders.Payment{State: p.State}) {
		return p.State
	}
	s := fmt.Sprintf("%s %d, in %s, as %s", p.State, p.Amount, p.Currency, p.MerchantUID)
	if p.Test {
		s += ", a test"
	}
	if p.Cancelled != 0 {
		s += fmt.Sprintf(", %d of it back", p.Cancelled)
	}
	return s
}
