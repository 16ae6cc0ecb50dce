// Bodies of requests, read strictly: at most 64 KiB of one JSON object, in which every field is known, has its type, and
// is named once. encoding/json alone would take a field in other letter case, take the last of two, and could not say
// where in a list the fault is.

package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"onsale/domain"
)

const (
	maxBody     = 64 << 10
	bodyTimeout = 10 * time.Second // from the end of the headers
	maxDepth    = 16               // of objects and lists in each other
)

// readBody is the object in the body. No body is an empty object: where fields are needed, they are then missing.
func readBody(w http.ResponseWriter, r *http.Request) (*object, error) {
	if r.ContentLength == 0 {
		return newObject(nil), nil
	}
	body, err := readAll(w, r, maxBody, bodyTimeout)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return newObject(nil), nil
	}
	if !hasMediaType(r, "application/json") {
		return nil, problemf(unsupportedMediaType, "")
	}
	return parseBody(body)
}

// readAll is the whole body, of at most so many bytes.
func readAll(w http.ResponseWriter, r *http.Request, limit int64, timeout time.Duration) ([]byte, error) {
	const tooLarge = "a body is at most %d KiB here"
	if r.ContentLength > limit {
		return nil, problemf(bodyTooLarge, tooLarge, limit>>10)
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(timeout)) // not every writer has one
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_ = connection.SetReadDeadline(time.Time{})
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, problemf(bodyTooLarge, tooLarge, limit>>10)
	}
	if err != nil {
		return nil, fieldProblem(domain.InvalidBody, "$", "could not be read to its end")
	}
	return body, nil
}

// hasMediaType says whether the body is of this type, in UTF-8 if it says.
func hasMediaType(r *http.Request, want string) bool {
	contentType := r.Header.Get("Content-Type")
	if contentType == want {
		return true
	}
	media, parameters, err := mime.ParseMediaType(contentType)
	charset, hasCharset := parameters["charset"]
	return err == nil && media == want && (!hasCharset || strings.EqualFold(charset, "utf-8"))
}

// parseBody is the one object that body holds.
func parseBody(body []byte) (*object, error) {
	if !utf8.Valid(body) {
		return nil, fieldProblem(domain.InvalidBody, "$", "is not UTF-8")
	}
	p := parser{json.NewDecoder(bytes.NewReader(body))}
	p.UseNumber()
	value, err := p.value("", 0)
	if err != nil {
		return nil, err
	}
	if _, err := p.Token(); err != io.EOF {
		return nil, fieldProblem(domain.InvalidBody, "$", "something follows the object")
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, fieldProblem(domain.InvalidBody, "$", "is not an object")
	}
	return newObject(fields), nil
}

// parser makes a tree of maps, lists, strings, json.Numbers, bools and nils.
type parser struct{ *json.Decoder }

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
		return nil, fieldProblem(domain.InvalidBody, orRoot(path), "is nested deeper than %d", maxDepth)
	}
	if opening == '[' {
		return p.list(path, depth)
	}
	return p.object(path, depth)
}

func (p parser) list(path string, depth int) (any, error) {
	items := []any{}
	for p.More() {
		item, err := p.value(fmt.Sprintf("%s[%d]", path, len(items)), depth+1)
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
		name := key.(string) // the decoder takes nothing else here
		fieldPath := joinPath(path, name)
		if _, duplicate := fields[name]; duplicate {
			return nil, fieldProblem(domain.InvalidBody, fieldPath, "is given twice")
		}
		if fields[name], err = p.value(fieldPath, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := p.next(path)
	return fields, err
}

// next is the next token, or why there is none.
func (p parser) next(path string) (json.Token, error) {
	token, err := p.Token()
	if err != nil {
		return nil, fieldProblem(domain.InvalidBody, orRoot(path), "is not JSON at byte %d", p.InputOffset())
	}
	return token, nil
}

// joinPath is the path of a field in the object at path; orRoot names the body itself.
func joinPath(path, name string) string {
	if len(name) > maxFieldName {
		name = strings.ToValidUTF8(name[:maxFieldName], "") + "…"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func orRoot(path string) string {
	if path == "" {
		return "$"
	}
	return path
}

// maxFieldName is how much of a strange name is told back.
const maxFieldName = 64
