// Package jsonobject reads one JSON object field by field. Names are case-sensitive and must be unique, numbers are never
// rounded, and every error names its field ("sections[0].rows[1].seats"). encoding/json alone would accept a field in
// another letter case, keep the last of two, and read a missing amount as 0.
package jsonobject

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ByteOrderMark may begin a text, and is ignored (RFC 8259).
const ByteOrderMark = "\uFEFF"

// Root is the Field of an Error that is about the whole text.
const Root = "$"

// Error says which field is invalid, and why ("is not an integer").
type Error struct{ Field, Problem string }

func (e *Error) Error() string { return e.Field + ": " + e.Problem }

// Object is a JSON object that is being read. Its methods return zero values for invalid fields; only the first error is
// kept, so that callers check once, with Err or Finish. A field that is null is absent.
type Object struct {
	path   string
	fields map[string]any // values as Decoder.UseNumber gives them
	read   []string       // names that were asked for
	shared *shared        // by all objects of one text
}

type shared struct {
	firstErr error
	objects  []*Object
}

// New is an object with these fields: strings, bools, json.Numbers, []any and map[string]any.
func New(fields map[string]any) *Object { return newObject("", fields, new(shared)) }

func newObject(path string, fields map[string]any, s *shared) *Object {
	o := &Object{path: path, fields: fields, shared: s}
	s.objects = append(s.objects, o)
	return o
}

// Err is the first error so far.
func (o *Object) Err() error { return o.shared.firstErr }

// Finish is the first error; a field that was never asked for is one.
func (o *Object) Finish() error {
	for _, object := range o.shared.objects {
		for _, name := range slices.Sorted(maps.Keys(object.fields)) {
			if !slices.Contains(object.read, name) {
				object.Invalid(name, "is unknown")
			}
		}
	}
	return o.shared.firstErr
}

// Invalid records an error of a field.
func (o *Object) Invalid(name, problem string, args ...any) {
	o.Fail(&Error{o.Path(name), fmt.Sprintf(problem, args...)})
}

// Fail records an error that the caller found, unless it is nil.
func (o *Object) Fail(err error) {
	if o.shared.firstErr == nil {
		o.shared.firstErr = err
	}
}

// Path names a field of o in errors.
func (o *Object) Path(name string) string { return Join(o.path, name) }

const maxName = 64 // bytes of a name that an error repeats

// Join is the path of a field of the object at path, which is "" for the outermost.
func Join(path, name string) string {
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "") + "…"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// Has says whether the field is present.
func (o *Object) Has(name string) bool { return o.value(name) != nil }

func (o *Object) value(name string) any {
	o.read = append(o.read, name)
	return o.fields[name]
}

func (o *Object) required(name string) any {
	value := o.value(name)
	if value == nil {
		o.Invalid(name, "is missing")
	}
	return value
}

// Text is a string, or "" when absent.
func (o *Object) Text(name string) string {
	value := o.value(name)
	text, ok := value.(string)
	if value != nil && !ok {
		o.Invalid(name, "is not a string")
	}
	return text
}

// RequiredText is a string that is not empty.
func (o *Object) RequiredText(name string) string {
	text := o.Text(name)
	if text == "" {
		o.Invalid(name, "is missing")
	}
	return text
}

// TextOrInteger is a string, or the digits of an integer; false when absent or invalid.
func (o *Object) TextOrInteger(name string) (string, bool) {
	value := o.value(name)
	if value == nil {
		return "", false
	}
	return o.toTextOrInteger(name, value)
}

func (o *Object) toTextOrInteger(name string, value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		if strings.ContainsAny(value.String(), ".eE") {
			o.Invalid(name, "is not an integer")
			return "", false
		}
		return value.String(), true
	}
	o.Invalid(name, "is not a string")
	return "", false
}

// TextsOrIntegers is a list of strings and the digits of integers, or nil when absent.
func (o *Object) TextsOrIntegers(name string) []string {
	items := o.list(name)
	if items == nil {
		return nil
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i], _ = o.toTextOrInteger(itemName(name, i), item)
	}
	return texts
}

// Integer is a number without fraction or exponent, or def when absent.
func (o *Object) Integer(name string, def int64) int64 {
	if value := o.value(name); value != nil {
		return o.toInteger(name, value)
	}
	return def
}

// RequiredInteger is a number without fraction or exponent.
func (o *Object) RequiredInteger(name string) int64 { return o.toInteger(name, o.required(name)) }

func (o *Object) toInteger(name string, value any) int64 {
	number, _ := value.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil {
		o.Invalid(name, "is not an integer")
	}
	return n
}

// RequiredNumber is a number as it is written.
func (o *Object) RequiredNumber(name string) json.Number {
	number, ok := o.required(name).(json.Number)
	if !ok {
		o.Invalid(name, "is not a number")
	}
	return number
}

// Bool is true or false, or def when absent.
func (o *Object) Bool(name string, def bool) bool {
	if value := o.value(name); value != nil {
		return o.toBool(name, value)
	}
	return def
}

// RequiredBool is true or false.
func (o *Object) RequiredBool(name string) bool { return o.toBool(name, o.required(name)) }

func (o *Object) toBool(name string, value any) bool {
	b, ok := value.(bool)
	if !ok {
		o.Invalid(name, "is not true or false")
	}
	return b
}

// Integers is a list of integers, or nil when absent.
func (o *Object) Integers(name string) []int {
	items := o.list(name)
	if items == nil {
		return nil
	}
	numbers := make([]int, len(items))
	for i, item := range items {
		numbers[i] = int(o.toInteger(itemName(name, i), item))
	}
	return numbers
}

// Each calls read with every object of a list.
func (o *Object) Each(name string, read func(*Object)) {
	for i, item := range o.list(name) {
		name := itemName(name, i)
		if fields, ok := item.(map[string]any); ok {
			read(newObject(o.Path(name), fields, o.shared))
		} else {
			o.Invalid(name, "is not an object")
		}
	}
}

// Object calls read with the object of this name, if it is present.
func (o *Object) Object(name string, read func(*Object)) {
	if o.Has(name) {
		read(o.RequiredObject(name))
	}
}

// RequiredObject is the object of this name; an empty one when it is absent or invalid.
func (o *Object) RequiredObject(name string) *Object {
	fields, ok := o.required(name).(map[string]any)
	if !ok {
		o.Invalid(name, "is not an object")
	}
	return newObject(o.Path(name), fields, o.shared)
}

func (o *Object) list(name string) []any {
	value := o.value(name)
	items, ok := value.([]any)
	if value != nil && !ok {
		o.Invalid(name, "is not a list")
	}
	return items
}

func itemName(name string, i int) string { return name + "[" + strconv.Itoa(i) + "]" }

// Parse reads the one object that text holds, in UTF-8. Nothing in it is altered: half of a character is an error.
func Parse(text []byte) (*Object, error) {
	if !utf8.Valid(text) {
		return nil, &Error{Root, "is not UTF-8"}
	}
	return parseObject(text, true)
}

// ParseLoosely is Parse for texts of others, who do not always write UTF-8, and cut texts in the middle of characters: what is
// not a character becomes U+FFFD.
func ParseLoosely(text []byte) (*Object, error) {
	return parseObject(bytes.ToValidUTF8(text, []byte("\uFFFD")), false)
}

func parseObject(text []byte, strict bool) (*Object, error) {
	value, err := parse(bytes.TrimPrefix(text, []byte(ByteOrderMark)), strict)
	if err != nil {
		return nil, err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, &Error{Root, "is not an object"}
	}
	return New(fields), nil
}
