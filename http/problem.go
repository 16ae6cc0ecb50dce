// Every "no" on the wire: application/problem+json with a code that is stable for ever.

package http

import (
	"errors"
	"fmt"
	"strings"

	"onsale/domain"
	"onsale/http/jsonobject"
)

// problem is an error that knows its answer.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
	domain.Details
	Field string `json:"field,omitempty"` // which part of the request has a wrong shape
	Line  int    `json:"line,omitempty"`  // and where that is, in a file

	// Only on answers to commands.
	RequestID domain.RequestID `json:"requestId,omitzero"`
	Sequence  uint64           `json:"sequence,omitempty"`
	EventID   string           `json:"eventId,omitempty"`

	cause error // for the log only
}

func (p *problem) Error() string { return p.Code + ": " + p.Detail }

func (p *problem) Unwrap() error { return p.cause }

// problemf says no; detail "" is the code's own sentence.
func problemf(code, detail string, args ...any) *problem {
	if len(args) > 0 {
		detail = fmt.Sprintf(detail, args...)
	}
	row, known := codes[code]
	if !known {
		row = unknownCode(code)
	}
	if detail == "" {
		detail = row.detail
	}
	return &problem{Type: "/problems/" + code, Title: row.title, Status: row.status, Code: code, Detail: detail}
}

// fieldProblem says no to the shape of one field.
func fieldProblem(code, field, detail string, args ...any) *problem {
	if len(args) > 0 {
		detail = fmt.Sprintf(detail, args...)
	}
	p := problemf(code, "%s: %s", field, detail)
	p.Field = field
	return p
}

// problemOf is the answer to err. What nobody foresaw is "internal", and its text stays here.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if fieldErr, ok := errors.AsType[*domain.FieldError](err); ok {
		return fieldProblem(domain.InvalidBody, fieldErr.Field, "%s", fieldErr.Problem)
	}
	if fieldErr, ok := errors.AsType[*jsonobject.Error](err); ok {
		return fieldProblem(domain.InvalidBody, fieldErr.Field, "%s", fieldErr.Problem)
	}
	p := problemf(domain.Internal, "")
	p.cause = err
	return p
}

// unknownCode is the row of a code that this table has not: a rule that is newer than it.
func unknownCode(code string) codeRow {
	row := codeRow{status: 409, title: strings.ReplaceAll(code, "_", " ")}
	if strings.HasSuffix(code, "_not_found") {
		row.status = 404
	}
	return row
}
