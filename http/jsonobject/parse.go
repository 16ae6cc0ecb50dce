// The parser: a tree of maps, lists, strings, json.Numbers, bools and nils, in which no name occurs twice in one object.

package jsonobject

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
)

const maxDepth = 16 // of objects and lists within each other

type parser struct{ *json.Decoder }

func parse(text []byte) (any, error) {
	p := parser{json.NewDecoder(bytes.NewReader(text))}
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
	token, err := p.Token()
	if err != nil {
		return nil, &Error{cmp.Or(path, Root), fmt.Sprintf("is not JSON at byte %d", p.InputOffset())}
	}
	return token, nil
}
