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

func parse(text []byte) (object, error) {
	var o object
	if err := json.Unmarshal(text, &o); err != nil || o == nil {
		return nil, malformed("it is no JSON object")
	}
	return o, nil
}

// reason is what the object says to people.
func (o object) reason() string {
	f := reading{object: o}
	return brief(strings.TrimSpace(f.maybe("message") + " " + f.maybe("pgMessage")))
}

// reading remembers the first field that is not as it must be.
type reading struct {
	object
	err error
}

func (f *reading) fault(name, is string) {
	if f.err == nil {
		f.err = malformed("%s %s", name, is)
	}
}

func (f *reading) has(name string) bool {
	value := string(f.object[name])
	return value != "" && value != "null"
}

// text must be there, and not be empty.
func (f *reading) text(name string) string {
	text := f.maybe(name)
	if text == "" {
		f.fault(name, "is missing")
	}
	return text
}

// maybe is a text, or "".
func (f *reading) maybe(name string) (text string) {
	if f.has(name) && json.Unmarshal(f.object[name], &text) != nil {
		f.fault(name, "is no text")
	}
	return text
}

func (f *reading) flag(name string) (flag bool) {
	if !f.has(name) || json.Unmarshal(f.object[name], &flag) != nil {
		f.fault(name, "is neither true nor false")
	}
	return flag
}

// money is an amount in whole units, 0 or more. Nothing is rounded: 1000.5 is no amount, and 9007199254740993 stays what
// it is.
func (f *reading) money(name string) int64 {
	whole, fraction, _ := strings.Cut(string(f.object[name]), ".")
	amount, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || amount < 0 || strings.Trim(fraction, "0") != "" {
		f.fault(name, "is no whole amount")
		return 0
	}
	return amount
}

// number is any whole number.
func (f *reading) number(name string) int64 {
	number, err := strconv.ParseInt(string(f.object[name]), 10, 64)
	if err != nil {
		f.fault(name, "is no whole number")
	}
	return number
}

// inner is an object within; its faults must be asked for.
func (f *reading) inner(name string) *reading {
	o, err := parse(f.object[name])
	if err != nil {
		f.fault(name, "is no object")
	}
	return &reading{object: o}
}
