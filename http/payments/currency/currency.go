// Package currency knows the currencies of ISO 4217 and how many decimals each has. Amounts are integers in the minor unit
// everywhere but in texts that a provider wants in the major one; nothing here is a float, and nothing is rounded.
package currency

import (
	"fmt"
	"strconv"
	"strings"
)

// byDecimals has the active codes of ISO 4217, and those that ended in 2023 or later, because their payments may still be
// refunded. Codes without a minor unit (metals, funds, tests) are left out: nobody can be asked for an amount of them.
var byDecimals = [...]string{
	0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
	2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW " +
		"CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR " +
		"ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR " +
		"MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN " +
		"SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL",
	3: "BHD IQD JOD KWD LYD OMR TND",
	4: "CLF UYW",
}

var decimals = func() map[string]int {
	all := map[string]int{}
	for n, codes := range byDecimals {
		for code := range strings.FieldsSeq(codes) {
			all[code] = n
		}
	}
	return all
}()

// Decimals returns how many decimals amounts in the major unit of a currency have; false if the currency is unknown.
func Decimals(code string) (n int, ok bool) {
	n, ok = decimals[code]
	return n, ok
}

// ParseMajor reads an amount of 0 or more in the major unit ("14.2") and returns it in the minor one (1420). More decimals
// than the currency has are an error unless they are zeros, and so are exponents.
func ParseMajor(code, text string) (int64, error) {
	n, ok := Decimals(code)
	if !ok {
		return 0, fmt.Errorf("currency %.10q is unknown", code)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > n {
		return 0, fmt.Errorf("%.40q is not an amount in %s, which has %d decimals", text, code, n)
	}
	digits := whole + fraction + strings.Repeat("0", n-len(fraction))
	minor, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || whole == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf("%.40q is not an amount in %s", text, code)
	}
	return minor, nil
}

// FormatMajor writes an amount in the minor unit (1420) in the major one ("14.20").
func FormatMajor(code string, minor int64) (string, error) {
	n, ok := Decimals(code)
	if !ok || minor < 0 {
		return "", fmt.Errorf("%d is not an amount in %.10q", minor, code)
	}
	digits := fmt.Sprintf("%0*d", n+1, minor)
	if n == 0 {
		return digits, nil
	}
	return digits[:len(digits)-n] + "." + digits[len(digits)-n:], nil
}
