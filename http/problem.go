// Errors as application/problem+json.

package http

import (
	"errors"
	"fmt"
	"strings"

	"onsale/domain"
	"onsale/http/auth"
	"onsale/http/jsonobject"
	"onsale/http/schedulefile"
	"onsale/projections"
	"onsale/projections/store"
)

// problem is an error that can be sent to clients.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
	domain.Details
	Field string `json:"field,omitempty"` // the invalid part of the request
	Line  int    `json:"line,omitempty"`  // of the field, in a file

	// Of commands only.
	RequestID domain.RequestID `json:"requestId,omitzero"`
	Sequence  uint64           `json:"sequence,omitempty"`
	EventID   string           `json:"eventId,omitempty"`

	retryAfter int   // seconds; 0: that of its code
	cause      error // for the log only
}

func (p *problem) Error() string { return p.Code + ": " + p.Detail }

func (p *problem) Unwrap() error { return p.cause }

// problemf is a problem with this code; detail "" is the code's default.
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

// fieldProblem is a problem with one field.
func fieldProblem(code, field, detail string, args ...any) *problem {
	p := problemf(code, "%s: "+detail, append([]any{field}, args...)...)
	p.Field = field
	return p
}

// problemOf is the problem for err. An unexpected error is "internal", without its text.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if invalid, ok := errors.AsType[*domain.FieldError](err); ok {
		return fieldProblem(domain.InvalidBody, invalid.Field, "%s", invalid.Problem)
	}
	if invalid, ok := errors.AsType[*auth.UserError](err); ok {
		return fieldProblem(invalidID, invalid.Field, "%s", invalid.Reason)
	}
	if invalid, ok := errors.AsType[*auth.TokenError](err); ok {
		return problemf(unauthenticated, "%s", invalid.Error())
	}
	if invalid, ok := errors.AsType[*jsonobject.Error](err); ok {
		return fieldProblem(domain.InvalidBody, invalid.Field, "%s", invalid.Problem)
	}
	if fileErr, ok := errors.AsType[*schedulefile.Error](err); ok {
		p := fieldProblem(domain.InvalidBody, fileErr.Field, "%s", fileErr.Problem)
		p.Line = fileErr.Line
		return p
	}
	if errors.Is(err, projections.ErrHalted) || errors.Is(err, store.ErrDamaged) {
		return problemf(halted, "")
	}
	p := problemf(domain.Internal, "")
	p.cause = err
	return p
}

// unknownCode is the row of a code that is not in the table: a newer node's.
func unknownCode(code string) codeRow {
	row := codeRow{status: 409, title: strings.ReplaceAll(code, "_", " ")}
	if strings.HasSuffix(code, "_not_found") {
		row.status = 404
	}
	return row
}
