// How transcripts write the fields of commands and events: key=value, with the keys of their JSON.
//
//	couponId=demo-1 name="Swan Lake" expiresAt=10:10:01.000 scheduleSeatIds=1-3,7
//	payment={state=paid amount=20000}         an object
//	sections=[A:50000:[1:20 2:20] B:30000:[1:9]]   a list of objects: their values alone

package machine_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"onsale/domain"
)

// All transcripts play on one day. Times on it are written without the date.
const dayPrefix = "2026-03-01T"

func parseClock(s string) (domain.Time, error) {
	if !strings.Contains(s, "T") {
		s = dayPrefix + s + "Z"
	}
	return domain.ParseTime(s)
}

func formatClock(t domain.Time) string {
	if clock, sameDay := strings.CutPrefix(t.String(), dayPrefix); sameDay {
		return strings.TrimSuffix(clock, "Z")
	}
	return t.String()
}

type field struct{ key, value string }

func joinFields(fields []field) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(f.key + "=" + f.value)
	}
	return b.String()
}

// fieldsOf are the fields of a JSON object, in its order.
func fieldsOf(object []byte) []field {
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	dec.Token()
	return readFields(dec)
}

func readFields(dec *json.Decoder) (fields []field) {
	for dec.More() {
		key, _ := dec.Token()
		token, _ := dec.Token()
		fields = append(fields, field{key.(string), formatToken(dec, key.(string), token)})
	}
	dec.Token()
	return fields
}

func formatToken(dec *json.Decoder, key string, token json.Token) string {
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return "{" + joinFields(readFields(dec)) + "}"
		}
		return formatList(dec)
	case string:
		if at, err := domain.ParseTime(t); err == nil {
			return formatClock(at)
		}
		if strings.EqualFold(key, "bytes") {
			decoded, _ := base64.StdEncoding.DecodeString(t)
			return strconv.Quote(string(decoded))
		}
		return formatString(t)
	case nil:
		return "null"
	}
	return fmt.Sprint(token)
}

func formatList(dec *json.Decoder) string {
	var parts []string
	var ids []int
	for dec.More() {
		token, _ := dec.Token()
		switch t := token.(type) {
		case json.Number:
			id, _ := strconv.Atoi(t.String())
			ids = append(ids, id)
		case string:
			parts = append(parts, t)
		case json.Delim: // an object
			var values []string
			for _, f := range readFields(dec) {
				values = append(values, f.value)
			}
			parts = append(parts, strings.Join(values, ":"))
		}
	}
	dec.Token()
	if ids != nil {
		return formatRuns(ids)
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// formatRuns is "1-3,7" for 1 2 3 7.
func formatRuns(ids []int) string {
	var runs []string
	for i := 0; i < len(ids); {
		n := 1
		for i+n < len(ids) && ids[i+n] == ids[i]+n {
			n++
		}
		run := strconv.Itoa(ids[i])
		if n > 1 {
			run += "-" + strconv.Itoa(ids[i+n-1])
		}
		runs, i = append(runs, run), i+n
	}
	return strings.Join(runs, ",")
}

var bareString = regexp.MustCompile(`^[^\s"=:,*\[\]{}]+$`)

// formatString quotes s where it must; very long runs of one letter become "x"*1001.
func formatString(s string) string {
	if len(s) > 100 && strings.Count(s, s[:1]) == len(s) {
		return fmt.Sprintf("%q*%d", s[:1], len(s))
	}
	if bareString.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

// parseFields fills body, a pointer to a struct, from `key=value …`.
func parseFields(text string, body any) error {
	p := &fieldParser{rest: text}
	p.object(reflect.ValueOf(body).Elem())
	if p.err == nil && p.rest != "" {
		p.err = fmt.Errorf("unexpected %q", p.rest)
	}
	return p.err
}

type fieldParser struct {
	rest string
	err  error
}

// accept takes prefix, if it comes next.
func (p *fieldParser) accept(prefix string) bool {
	rest, found := strings.CutPrefix(p.rest, prefix)
	p.rest = rest
	return found
}

func (p *fieldParser) expect(prefix string) {
	if !p.accept(prefix) {
		p.fail(fmt.Errorf("%q where %s is expected", p.rest, prefix))
	}
}

func (p *fieldParser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// word is what comes before the next delimiter.
func (p *fieldParser) word(delimiters string) string {
	end := strings.IndexAny(p.rest, delimiters)
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word
}

func (p *fieldParser) object(v reflect.Value) {
	for p.err == nil && p.rest != "" && p.rest[0] != '}' {
		key := p.word("= ")
		target, found := fieldByKey(v, key)
		if !found {
			p.fail(fmt.Errorf("%s has no field %q", v.Type(), key))
			return
		}
		p.expect("=")
		p.value(target)
		p.accept(" ")
	}
}

func (p *fieldParser) value(v reflect.Value) {
	switch target := v.Addr().Interface().(type) {
	case *string:
		*target = p.string()
	case *[]byte:
		*target = []byte(p.string())
	case *domain.Time:
		at, err := parseClock(p.word(" }"))
		*target = at
		p.fail(err)
	case *[]int:
		ids, err := parseRuns(p.word(" }"))
		*target = ids
		p.fail(err)
	default:
		switch v.Kind() {
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			p.value(v.Elem())
		case reflect.Struct:
			p.expect("{")
			p.object(v)
			p.expect("}")
		case reflect.Slice:
			if p.accept("null") {
				return
			}
			p.expect("[")
			p.list(v)
			p.expect("]")
		default: // a number or a boolean
			p.fail(json.Unmarshal([]byte(p.string()), target))
		}
	}
}

// list reads objects by their values alone: A:50000:[1:20 2:20].
func (p *fieldParser) list(v reflect.Value) {
	for p.err == nil && p.rest != "" && p.rest[0] != ']' {
		element := reflect.New(v.Type().Elem()).Elem()
		if element.Kind() == reflect.String {
			element.SetString(p.string())
			v.Set(reflect.Append(v, element))
			p.accept(" ")
			continue
		}
		for i := range element.NumField() {
			if i > 0 {
				p.expect(":")
			}
			p.value(element.Field(i))
		}
		v.Set(reflect.Append(v, element))
		p.accept(" ")
	}
}

func (p *fieldParser) string() string {
	if !strings.HasPrefix(p.rest, `"`) {
		return p.word(" :]}")
	}
	quoted, err := strconv.QuotedPrefix(p.rest)
	p.fail(err)
	p.rest = p.rest[len(quoted):]
	s, _ := strconv.Unquote(quoted)
	if p.accept("*") {
		n, err := strconv.Atoi(p.word(" "))
		p.fail(err)
		s = strings.Repeat(s, n)
	}
	return s
}

// parseRuns reads "1-3,7", "[]" and "null".
func parseRuns(text string) (ids []int, err error) {
	switch text {
	case "[]":
		return []int{}, nil
	case "null":
		return nil, nil
	}
	for run := range strings.SplitSeq(text, ",") {
		first, last := run, run
		if i := strings.Index(run[min(1, len(run)):], "-"); i >= 0 { // the first byte may be a minus
			first, last = run[:i+1], run[i+2:]
		}
		from, errFrom := strconv.Atoi(first)
		to, errTo := strconv.Atoi(last)
		if errFrom != nil || errTo != nil {
			return nil, fmt.Errorf("no list of numbers: %q", text)
		}
		for id := from; id <= to; id++ {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// fieldByKey is the field of v with this key in JSON.
func fieldByKey(v reflect.Value, key string) (reflect.Value, bool) {
	for _, f := range reflect.VisibleFields(v.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == key || name == "" && f.Name == key && !f.Anonymous {
			return v.FieldByIndex(f.Index), true
		}
	}
	return reflect.Value{}, false
}
