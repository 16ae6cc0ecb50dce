// Taking the fields of a body one by one. A reader takes what it knows, in the words of the contract; what is left over
// then is unknown. Only the first fault is kept, so that readers need not ask after each field.

package http

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
)

// object is a JSON object whose fields are being taken.
type object struct {
	path     string
	fields   map[string]any
	firstErr *error // shared by all objects of a body
}

func newObject(fields map[string]any) *object { return &object{fields: fields, firstErr: new(error)} }

// finish is the first fault of the body; a field that nobody took is one.
func (o *object) finish() error {
	o.rejectUnknown()
	return *o.firstErr
}

func (o *object) rejectUnknown() {
	if len(o.fields) > 0 {
		o.invalid(slices.Min(slices.Collect(maps.Keys(o.fields))), "is unknown")
	}
}

func (o *object) invalid(name, problem string, args ...any) {
	o.fail(fieldProblem(domain.InvalidBody, joinPath(o.path, name), problem, args...))
}

func (o *object) fail(err error) {
	if *o.firstErr == nil {
		*o.firstErr = err
	}
}

// value is the value of a field, which is absent also when it is null.
func (o *object) value(name string) (any, bool) {
	value := o.fields[name]
	delete(o.fields, name)
	return value, value != nil
}

// text is a string; "" when absent.
func (o *object) text(name string) string {
	value, given := o.value(name)
	text, ok := value.(string)
	if given && !ok {
		o.invalid(name, "is not a string")
	}
	return text
}

// id is an id, for which a number is as good as its digits; "" when absent.
func (o *object) id(name string, max int) string {
	value, given := o.value(name)
	if !given {
		return ""
	}
	var id string
	switch value := value.(type) {
	case string:
		id = value
	case json.Number:
		if id = value.String(); strings.ContainsAny(id, ".eE") {
			o.invalid(name, "is not an integer")
		}
	default:
		o.invalid(name, "is not a string")
		return ""
	}
	if err := checkID(id, joinPath(o.path, name), max); err != nil {
		o.fail(err)
	}
	return id
}

// requiredID is an id that must be given.
func (o *object) requiredID(name string, max int) string {
	id := o.id(name, max)
	if id == "" {
		o.invalid(name, "is missing")
	}
	return id
}

// integer is a number without fraction; otherwise when absent.
func (o *object) integer(name string, def int64) int64 {
	value, given := o.value(name)
	if !given {
		return def
	}
	return o.asInteger(name, value)
}

// requiredInteger is a number without fraction that must be given.
func (o *object) requiredInteger(name string) int64 {
	value, given := o.value(name)
	if !given {
		o.invalid(name, "is missing")
		return 0
	}
	return o.asInteger(name, value)
}

func (o *object) asInteger(name string, value any) int64 {
	number, ok := value.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if !ok || err != nil {
		o.invalid(name, "is not an integer")
	}
	return n
}

// bool is true or false; otherwise when absent.
func (o *object) bool(name string, def bool) bool {
	value, given := o.value(name)
	if !given {
		return def
	}
	flag, ok := value.(bool)
	if !ok {
		o.invalid(name, "is not true or false")
	}
	return flag
}

// integers is a list of them; nil when absent.
func (o *object) integers(name string) []int {
	value, given := o.value(name)
	if !given {
		return nil
	}
	items := o.list(name, value)
	numbers := make([]int, len(items))
	for i, item := range items {
		numbers[i] = int(o.asInteger(fmt.Sprintf("%s[%d]", name, i), item))
	}
	return numbers
}

// each calls read with every object of a list.
func (o *object) each(name string, read func(*object)) {
	value, _ := o.value(name)
	if value == nil {
		return
	}
	for i, item := range o.list(name, value) {
		o.child(fmt.Sprintf("%s[%d]", name, i), item, read)
	}
}

// object calls read with the object of this name, if it is given.
func (o *object) object(name string, read func(*object)) {
	if value, given := o.value(name); given {
		o.child(name, value, read)
	}
}

func (o *object) child(name string, value any, read func(*object)) {
	fields, ok := value.(map[string]any)
	if !ok {
		o.invalid(name, "is not an object")
		return
	}
	child := &object{path: joinPath(o.path, name), fields: fields, firstErr: o.firstErr}
	read(child)
	child.rejectUnknown()
}

func (o *object) list(name string, value any) []any {
	items, ok := value.([]any)
	if !ok {
		o.invalid(name, "is not a list")
	}
	return items
}

// time is an RFC 3339 time; the zero Time when absent.
func (o *object) time(name string) domain.Time {
	text := o.text(name)
	if text == "" {
		return 0
	}
	at, err := domain.ParseTime(text)
	if err != nil {
		o.invalid(name, "is not an RFC 3339 time")
	}
	return at
}
