// Answers are read field by field. encoding/json alone would take a field in other letter case, and pass a missing amount
// as 0. Fields that are not asked for may be anything.

package portone

import (
	"encoding/json"
	"strconv"
	"strings"
)

// object is a JSON object. A nil one has no fields.
type object map[string]json.RawMessage

func parseObject(text []byte) (object, error) {
	var o object
	if err := json.Unmarshal(text, &o); err != nil || o == nil {
		return nil, malformed("it is no JSON object")
	}
	return o, nil
}

// reason is what the object says to people.
func (o object) reason() string {
	f := fields{object: o}
	return truncate(strings.TrimSpace(f.optString("message") + " " + f.optString("pgMessage")))
}

// fields remembers the first field that is not as it must be.
type fields struct {
	object
	err error
}

func (f *fields) invalid(name, is string) {
	if f.err == nil {
		f.err = malformed("%s %s", name, is)
	}
}

func (f *fields) has(name string) bool {
	value := string(f.object[name])
	return value != "" && value != "null"
}

// string must be there, and not be empty.
func (f *fields) string(name string) string {
	text := f.optString(name)
	if text == "" {
		f.invalid(name, "is missing")
	}
	return text
}

// optString is a text, or "".
func (f *fields) optString(name string) (text string) {
	if f.has(name) && json.Unmarshal(f.object[name], &text) != nil {
		f.invalid(name, "is no text")
	}
	return text
}

func (f *fields) bool(name string) (flag bool) {
	if !f.has(name) || json.Unmarshal(f.object[name], &flag) != nil {
		f.invalid(name, "is neither true nor false")
	}
	return flag
}

// amount is an amount in whole units, 0 or more. Nothing is rounded: 1000.5 is no amount, and 9007199254740993 stays what
// it is.
func (f *fields) amount(name string) int64 {
	whole, fraction, _ := strings.Cut(string(f.object[name]), ".")
	amount, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || amount < 0 || strings.Trim(fraction, "0") != "" {
		f.invalid(name, "is no whole amount")
		return 0
	}
	return amount
}

// number is any whole number.
func (f *fields) number(name string) int64 {
	number, err := strconv.ParseInt(string(f.object[name]), 10, 64)
	if err != nil {
		f.invalid(name, "is no whole number")
	}
	return number
}

// child is an object within; its faults must be asked for.
func (f *fields) child(name string) *fields {
	o, err := parseObject(f.object[name])
	if err != nil {
		f.invalid(name, "is no object")
	}
	return &fields{object: o}
}
