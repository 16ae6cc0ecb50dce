// The language of the transcripts: products, their orders, and what the provider of payments says.

package machine_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/orders"
)

// orderPatterns are what can be asked. What the shop does may end with a reason: ", since …".
var orderPatterns = []commandPattern{
	{regexp.MustCompile(`^creates product (\S+): (.*)$`), func(m []string) (string, domain.Body, error) {
		body, err := parseProduct(m[1], m[2])
		return m[1], body, err
	}},
	{regexp.MustCompile(`^changes the stock of product (\S+) by ([^\s,]+)(?:, since (.*))?$`), func(m []string) (string, domain.Body, error) {
		delta, err := strconv.Atoi(m[2])
		return m[1], orders.ChangeStock{Delta: delta, Reason: expandReason(m[3])}, err
	}},
	{regexp.MustCompile(`^closes product ([^\s,]+)(?:, since (.*))?$`), func(m []string) (string, domain.Body, error) {
		return m[1], orders.Close{Reason: expandReason(m[2])}, nil
	}},
	{regexp.MustCompile(`^prepares to pay for (\S+) of (\S+)$`), func(m []string) (string, domain.Body, error) {
		n, err := strconv.Atoi(m[1])
		return m[2], orders.Prepare{Count: n}, err
	}},
	{regexp.MustCompile(`^orders (\S+) of (\S+) by (\S+) for ([^\s,]+)(?:, (.*))?$`), func(m []string) (string, domain.Body, error) {
		body, err := parseOrder(m)
		return m[3], body, err
	}},
	{regexp.MustCompile(`^takes order ([^\s,]+) back(?:, since (.*))?$`), func(m []string) (string, domain.Body, error) {
		return m[1], orders.Cancel{Reason: expandReason(m[2])}, nil
	}},
}

func expandReason(text string) string {
	if text == "of very much" {
		return strings.Repeat("x", orders.MaxReason+1)
	}
	return text
}

var productPattern = regexp.MustCompile(`^(?:called (".*"), )?(\S+) units? at (\S+)$`)

func parseProduct(id, text string) (c orders.Create, err error) {
	m := productPattern.FindStringSubmatch(text)
	if m == nil {
		return c, fmt.Errorf("product with %q", text)
	}
	c.Name = id
	if m[1] != "" {
		c.Name, err = strconv.Unquote(m[1])
	}
	stock, stockErr := strconv.Atoi(m[2])
	price, priceErr := strconv.ParseInt(m[3], 10, 64)
	c.Stock, c.Price = stock, price
	return c, errors.Join(err, stockErr, priceErr)
}

// parseOrder takes what a node's configuration says of payments behind the wish: ", if prepared, in USD, within 60 s".
func parseOrder(m []string) (p orders.Place, err error) {
	p = orders.Place{ProductID: m[2], Terms: orders.Terms{Currency: "KRW", PaySeconds: 1800}}
	if p.Count, err = strconv.Atoi(m[1]); err != nil {
		return p, err
	}
	if p.Amount, err = strconv.ParseInt(m[4], 10, 64); err != nil || m[5] == "" {
		return p, err
	}
	for part := range strings.SplitSeq(m[5], ", ") {
		word, rest, _ := strings.Cut(part, " ")
		switch {
		case part == "if prepared":
			p.RequirePrepare = true
		case part == "or as a test":
			p.AllowTest = true
		case word == "in":
			p.Currency = rest
		case word == "within":
			p.PaySeconds, err = strconv.Atoi(strings.TrimSuffix(rest, " s"))
		default:
			err = fmt.Errorf("order with %q", part)
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

// The language of the transcripts: how what happened to products and orders is told.

// formatOrder tells what happened to a product or an order; "" when it is something else.
func formatOrder(e domain.Event) string {
	switch b := e.Body.(type) {
	case orders.Created:
		return fmt.Sprintf("%s has product %s %q, %s at %d", e.User, b.ProductID, b.Name, pluralize(b.Stock, "unit"), b.Price)
	case orders.StockChanged:
		return fmt.Sprintf("%s changes the stock of product %s by %d to %d%s", e.User, b.ProductID, b.Delta, b.Stock, formatReason(b.Reason))
	case orders.Closed:
		return fmt.Sprintf("%s has closed product %s%s", e.User, b.ProductID, formatReason(b.Reason))
	case orders.Prepared:
		return fmt.Sprintf("%s can pay %d for %s of %s as %s", e.User, b.Amount, pluralize(b.Count, "unit"), b.ProductID, b.MerchantUID)
	case orders.Placed:
		return fmt.Sprintf("%s orders %s", e.User, formatPlaced(b))
	case orders.RejectedPaid:
		return fmt.Sprintf("%s would have ordered %s; should it be paid, it goes back: %s", e.User, formatPlaced(orders.Placed(b.Placement)), b.Reason)
	case orders.Pending:
		return fmt.Sprintf("%s has not paid %s yet: %s", e.User, b.PaymentID, formatPayment(b.Payment))
	case orders.Succeeded:
		return fmt.Sprintf("%s has %s of %s for good, for %d by %s: %s", e.User, pluralize(b.Count, "unit"), b.ProductID, b.Amount, b.PaymentID,
			formatPayment(b.Payment))
	case orders.RefundDue:
		s := fmt.Sprintf("%s gets back what %s has paid, %s%s", e.User, b.PaymentID, b.Reason, formatReason(b.Note))
		if b.Payment == nil {
			return s + ": whatever that is"
		}
		return s + ": " + formatPayment(*b.Payment)
	case orders.Failed:
		return fmt.Sprintf("%s does not have %s of %s for %d by %s, %s%s: %s; %d went back", e.User, pluralize(b.Count, "unit"), b.ProductID, b.Amount,
			b.PaymentID, b.Reason, formatReason(b.Note), formatPayment(b.Payment), b.Refunded)
	case orders.Refunded:
		return fmt.Sprintf("%s has %d back by %s, %s%s: %s", e.User, b.Refunded, b.PaymentID, b.Reason, formatReason(b.Note), formatPayment(b.Payment))
	case orders.Discrepant:
		return fmt.Sprintf("the shop has to look at %s: %s", b.PaymentID, formatPayment(b.Payment))
	case orders.Recheck:
		return fmt.Sprintf("it is time to ask about %s, round %d", b.PaymentID, b.Attempt)
	case orders.Cancelled:
		return fmt.Sprintf("%s has taken %s for %d by %s from %s%s", e.User, b.ProductID, b.Amount, b.PaymentID, b.UserID, formatReason(b.Reason))
	}
	return ""
}

func formatPlaced(p orders.Placed) string {
	s := fmt.Sprintf("%s of %s for %d by %s, within %d s until %s, in %s", pluralize(p.Count, "unit"), p.ProductID, p.Amount, p.PaymentID, p.PaySeconds,
		formatClock(p.PaymentDue), p.Currency)
	if p.RequirePrepare {
		s += ", if prepared"
	}
	if p.AllowTest {
		s += ", or as a test"
	}
	return s
}

func (d *transcript) showProduct(p *orders.Product) {
	d.printf("    · %s, %d taken, %d remain, sold out by %d%s", pluralize(p.Stock, "unit"), p.Taken, p.Remaining(), p.SoldOutSequence,
		formatOptionalTime(", closed ", p.ClosedAt))
}

func (d *transcript) showOrder(o *orders.Order) {
	s := fmt.Sprintf("%s of %s, %s of %s for %d", o.Status, o.User, pluralize(o.Count, "unit"), o.ProductID, o.Amount)
	if o.Reason != "" {
		s += ", " + o.Reason + formatReason(o.Note)
	}
	if o.Payment != nil {
		s += ": " + formatPayment(*o.Payment)
	}
	if o.ResultEvent != 0 {
		s += fmt.Sprintf("; the verdict is %d", o.ResultEvent)
	}
	d.printf("    · %s; as %d made it%s", s, o.LastEvent, formatOptionalTime("; asked about at ", o.RecheckAt))
}

// The language of the transcripts: what the provider says of a payment.

var paymentPattern = regexp.MustCompile(`^says of (\S+): (.*)$`)

// recordPayment has the shop learn what the provider says of a payment. It was asked when the order stood as it stands now, or, at
// the end of the line, "asked at 4": as event 4 had made it.
func (d *transcript) recordPayment(text string) error {
	m := paymentPattern.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("no provider says so")
	}
	var command orders.RecordPayment
	if o := d.Orders.Order(m[1]); o != nil {
		command.LastEvent = o.LastEvent
	}
	if err := parsePayment(m[2], &command); err != nil {
		return err
	}
	cmd, events := d.submit("", "", m[1], command)
	d.printEvents(cmd, events)
	return nil
}

// parsePayment takes "paid 40000, in USD, as m2000-x, a test, 15000 of it back, asked at 4". One that nobody has prepared
// has the merchant_uid "own".
func parsePayment(text string, command *orders.RecordPayment) (err error) {
	state, more, _ := strings.Cut(text, ", ")
	p := &command.Payment
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
			command.LastEvent, err = strconv.ParseUint(strings.TrimPrefix(rest, "at "), 10, 64)
		default:
			err = fmt.Errorf("payment with %q", part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// formatPayment is what parsePayment takes.
func formatPayment(p orders.Payment) string {
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
