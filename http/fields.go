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
	path   string
	fields map[string]any
	fault  *error // shared by all objects of a body
}

func newObject(fields map[string]any) *object { return &object{fields: fields, fault: new(error)} }

// end is the first fault of the body; a field that nobody took is one.
func (o *object) end() error {
	o.close()
	return *o.fault
}

func (o *object) close() {
	if len(o.fields) > 0 {
		o.wrong(slices.Min(slices.Collect(maps.Keys(o.fields))), "is unknown")
	}
}

func (o *object) wrong(name, problem string, args ...any) {
	o.fail(refuseField(domain.InvalidBody, join(o.path, name), problem, args...))
}

func (o *object) fail(err error) {
	if *o.fault == nil {
		*o.fault = err
	}
}

// take is the value of a field, which is absent also when it is null.
func (o *object) take(name string) (any, bool) {
	value := o.fields[name]
	delete(o.fields, name)
	return value, value != nil
}

// text is a string; "" when absent.
func (o *object) text(name string) string {
	value, given := o.take(name)
	text, ok := value.(string)
	if given && !ok {
		o.wrong(name, "is not a string")
	}
	return text
}

// id is an id, for which a number is as good as its digits; "" when absent.
func (o *object) id(name string, max int) string {
	value, given := o.take(name)
	if !given {
		return ""
	}
	var id string
	switch value := value.(type) {
	case string:
		id = value
	case json.Number:
		if id = value.String(); strings.ContainsAny(id, ".eE") {
			o.wrong(name, "is not an integer")
		}
	default:
		o.wrong(name, "is not a string")
		return ""
	}
	if err := checkID(id, join(o.path, name), max); err != nil {
		o.fail(err)
	}
	return id
}

// someID is an id that must be given.
func (o *object) someID(name string, max int) string {
	id := o.id(name, max)
	if id == "" {
		o.wrong(name, "is missing")
	}
	return id
}

// integer is a number without fraction; otherwise when absent.
func (o *object) integer(name string, otherwise int64) int64 {
	value, given := o.take(name)
	if !given {
		return otherwise
	}
	return o.asInteger(name, value)
}

// someInteger is a number without fraction that must be given.
func (o *object) someInteger(name string) int64 {
	value, given := o.take(name)
	if !given {
		o.wrong(name, "is missing")
		return 0
	}
	return o.asInteger(name, value)
}

func (o *object) asInteger(name string, value any) int64 {
	number, ok := value.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if !ok || err != nil {
		o.wrong(name, "is not an integer")
	}
	return n
}

// flag is true or false; otherwise when absent.
func (o *object) flag(name string, otherwise bool) bool {
	value, given := o.take(name)
	if !given {
		return otherwise
	}
	flag, ok := value.(bool)
	if !ok {
		o.wrong(name, "is not true or false")
	}
	return flag
}

// integers is a list of them; nil when absent.
func (o *object) integers(name string) []int {
	value, given := o.take(name)
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
	value, _ := o.take(name)
	if value == nil {
		return
	}
	for i, item := range o.list(name, value) {
		o.inside(fmt.Sprintf("%s[%d]", name, i), item, read)
	}
}

// part calls read with the object of this name, if it is given.
func (o *object) part(name string, read func(*object)) {
	if value, given := o.take(name); given {
		o.inside(name, value, read)
	}
}

func (o *object) inside(at string, value any, read func(*object)) {
	fields, ok := value.(map[string]any)
	if !ok {
		o.wrong(at, "is not an object")
		return
	}
	child := &object{path: join(o.path, at), fields: fields, fault: o.fault}
	read(child)
	child.close()
}

func (o *object) list(name string, value any) []any {
	items, ok := value.([]any)
	if !ok {
		o.wrong(name, "is not a list")
	}
	return items
}

// moment is an RFC 3339 time; the zero Time when absent.
func (o *object) moment(name string) domain.Time {
	text := o.text(name)
	if text == "" {
		return 0
	}
	at, err := domain.ParseTime(text)
	if err != nil {
		o.wrong(name, "is not an RFC 3339 time")
	}
	return at
}
