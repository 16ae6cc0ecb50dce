// The parser: a tree of maps, lists, strings, json.Numbers, bools and nils, in which no name occurs twice in one object.

package jsonobject

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const maxDepth = 16 // of objects and lists within each other

type parser struct {
	*json.Decoder
	text   []byte
	strict bool // strings have whole characters
}

func parse(text []byte, strict bool) (any, error) {
	p := parser{json.NewDecoder(bytes.NewReader(text)), text, strict}
	p.UseNumber()
	value, err := p.value("", 0)
	if err != nil {
		return nil, err
	}
	if _, err := p.Token(); err != io.EOF {
		return nil, &Error{Root, "something follows the object"}
	}
	return value, nil
}

func (p parser) value(path string, depth int) (any, error) {
	token, err := p.next(path)
	if err != nil {
		return nil, err
	}
	opening, nested := token.(json.Delim)
	if !nested {
		return token, nil
	}
	if depth == maxDepth {
		return nil, &Error{cmp.Or(path, Root), fmt.Sprintf("is nested deeper than %d", maxDepth)}
	}
	if opening == '[' {
		return p.list(path, depth)
	}
	return p.object(path, depth)
}

func (p parser) list(path string, depth int) (any, error) {
	items := []any{}
	for p.More() {
		item, err := p.value(itemName(path, len(items)), depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := p.next(path)
	return items, err
}

func (p parser) object(path string, depth int) (any, error) {
	fields := map[string]any{}
	for p.More() {
		key, err := p.next(path)
		if err != nil {
			return nil, err
		}
		name := key.(string) // the decoder accepts nothing else here
		fieldPath := Join(path, name)
		if _, duplicate := fields[name]; duplicate {
			return nil, &Error{fieldPath, "is given twice"}
		}
		if fields[name], err = p.value(fieldPath, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := p.next(path)
	return fields, err
}

func (p parser) next(path string) (json.Token, error) {
	start := p.InputOffset()
	token, err := p.Token()
	if err != nil {
		return nil, &Error{cmp.Or(path, Root), fmt.Sprintf("is not JSON at byte %d", p.InputOffset())}
	}
	// The decoder replaces half of a character by U+FFFD.
	if text, ok := token.(string); ok && p.strict && strings.ContainsRune(text, utf8.RuneError) {
		if half := loneSurrogate(p.text[start:p.InputOffset()]); half != "" {
			return nil, &Error{cmp.Or(path, Root), "has half of a character: " + half}
		}
	}
	return token, nil
}

// loneSurrogate finds an escape of half a surrogate pair without the other half in a JSON string; "" if there is none.
func loneSurrogate(text []byte) string {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if r := unescape(text[i:]); utf16.IsSurrogate(r) {
			if utf16.DecodeRune(r, unescape(text[i+6:])) == utf8.RuneError {
				return string(text[i : i+6])
			}
			i += 6 // to the other half
		}
		i++ // the character that is escaped
	}
	return ""
}

// unescape is the code unit of an escape such as \u2026 at the beginning of text; -1 if there is none.
func unescape(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(unit)
}
