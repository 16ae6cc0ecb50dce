// The language of the transcripts: products, their orders, and what the provider of payments says.
package shop_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/orders"
)

// orderWishes are what can be asked. What the shop does may end with a reason: ", since …".
var orderWishes = []wishForm{
	{regexp.MustCompile(`^creates product (\S+): (.*)$`), func(m []string) (string, domain.Body, error) {
		body, err := parseProduct(m[1], m[2])
		return m[1], body, err
	}},
	{regexp.MustCompile(`^changes the stock of product (\S+) by ([^\s,]+)(?:, since (.*))?$`), func(m []string) (string, domain.Body, error) {
		delta, err := strconv.Atoi(m[2])
		return m[1], orders.ChangeStock{Delta: delta, Reason: reason(m[3])}, err
	}},
	{regexp.MustCompile(`^closes product ([^\s,]+)(?:, since (.*))?$`), func(m []string) (string, domain.Body, error) {
		return m[1], orders.Close{Reason: reason(m[2])}, nil
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
		return m[1], orders.Cancel{Reason: reason(m[2])}, nil
	}},
}

func reason(text string) string {
	if text == "of very much" {
		return strings.Repeat("x", orders.MaxReason+1)
	}
	return text
}

var unitsForm = regexp.MustCompile(`^(?:called (".*"), )?(\S+) units? at (\S+)$`)

func parseProduct(id, text string) (c orders.Create, err error) {
	m := unitsForm.FindStringSubmatch(text)
	if m == nil {
		return c, fmt.Errorf("product with %q", text)
	}
	c.Name = id
	if m[1] != "" {
		c.Name, err = strconv.Unquote(m[1])
	}
	stock, wrong := strconv.Atoi(m[2])
	price, wrong2 := strconv.ParseInt(m[3], 10, 64)
	c.Stock, c.Price = stock, price
	return c, errors.Join(err, wrong, wrong2)
}

// parseOrder takes what a node's configuration says of payments behind the wish: ", if prepared, in USD, within 60 s".
func parseOrder(m []string) (p orders.Place, err error) {
	p = orders.Place{SalePostID: m[2], Terms: orders.Terms{Currency: "KRW", PaySeconds: 1800}}
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
