// Money: the fake counts in minor units, as V2 does, and V1 speaks major ones. This is the fake's own arithmetic: were it the
// client's, both might be wrong alike.

package fakeportone

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// knownCurrencies are those that the fake takes, with the minor units in a major one.
var knownCurrencies = map[string]int64{
	"KRW": 1, "JPY": 1, "VND": 1, "USD": 100, "EUR": 100, "CNY": 100, "TWD": 100, "THB": 100, "SGD": 100, "KWD": 1000,
}

// toMajor is a minor amount as a JSON number in the major unit, without zeros at the end: 1420 US cents are 14.2.
func toMajor(currency string, minor int64) json.Number {
	text := big.NewRat(minor, max(knownCurrencies[currency], 1)).FloatString(3)
	return json.Number(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
}

// toMinor reads an amount in the major unit.
func toMinor(currency, major string) (int64, error) {
	units, known := knownCurrencies[currency]
	amount, ok := new(big.Rat).SetString(major)
	if !known || !ok {
		return 0, fmt.Errorf("%q is not an amount in %q", major, currency)
	}
	if amount.Mul(amount, big.NewRat(units, 1)); !amount.IsInt() || !amount.Num().IsInt64() {
		return 0, fmt.Errorf("%s has no amount of %s", currency, major)
	}
	return amount.Num().Int64(), nil
}
