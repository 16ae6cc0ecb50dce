// Bodies of requests: at most 64 KiB of one JSON object, in which every field is known, has its type and occurs once.

package http

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"onsale/domain"
	"onsale/http/jsonobject"
)

// object is a body whose fields are being read.
type object = jsonobject.Object

const (
	maxBody     = 64 << 10
	bodyTimeout = 10 * time.Second // from the end of the headers
)

// readBody is the object in the body. No body is an empty object: where fields are needed, they are then missing.
func readBody(w http.ResponseWriter, r *http.Request) (*object, error) {
	if r.ContentLength == 0 {
		return jsonobject.New(nil), nil
	}
	body, err := readAll(w, r, maxBody, bodyTimeout)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return jsonobject.New(nil), nil
	}
	if !hasMediaType(r, "application/json") {
		return nil, problemf(unsupportedMediaType, "")
	}
	return jsonobject.Parse(body)
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

// idField is an id, for which a number is as good as its digits; "" when absent.
func idField(o *object, name string, max int) string {
	id, given := o.TextOrInteger(name)
	if given {
		if err := checkID(id, o.Path(name), max); err != nil {
			o.Fail(err)
		}
	}
	return id
}

// requiredID is an id that must be present.
func requiredID(o *object, name string, max int) string {
	id := idField(o, name, max)
	if id == "" {
		o.Invalid(name, "is missing")
	}
	return id
}

// timeField is an RFC 3339 time; 0 when absent.
func timeField(o *object, name string) domain.Time {
	text := o.Text(name)
	if text == "" {
		return 0
	}
	at, err := domain.ParseTime(text)
	if err != nil {
		o.Invalid(name, "is not an RFC 3339 time")
	}
	return at
}
