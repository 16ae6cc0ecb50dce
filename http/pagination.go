// Lists come in pages: at most `limit` items and a cursor to the next. A cursor means nothing to anybody but this file.

package http

import (
	"encoding/base64"
	"net/url"
	"strconv"

	"onsale/domain"
	"onsale/projections"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// list is a page on the wire.
type list[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"nextCursor,omitempty"`
}

// pageRequest says which part of a list is asked for: behind an id, or from a number on down.
type pageRequest struct {
	limit  int
	after  string
	before uint64
}

func pageByID(query url.Values) (pageRequest, error) {
	p, cursor, err := parsePage(query)
	if cursor != "" && domain.CheckID(cursor) != nil {
		return p, fieldProblem(invalidParameter, "cursor", "was not given out by this list")
	}
	p.after = cursor
	return p, err
}

func pageByNumber(query url.Values) (pageRequest, error) {
	p, cursor, err := parsePage(query)
	if err != nil || cursor == "" {
		return p, err
	}
	if p.before, err = strconv.ParseUint(cursor, 10, 64); err != nil || p.before == 0 {
		return p, fieldProblem(invalidParameter, "cursor", "was not given out by this list")
	}
	return p, nil
}

func parsePage(query url.Values) (p pageRequest, cursor string, err error) {
	p.limit = defaultLimit
	if query.Has("limit") {
		if p.limit, err = strconv.Atoi(query.Get("limit")); err != nil || p.limit < 1 || p.limit > maxLimit {
			return p, "", fieldProblem(invalidParameter, "limit", "is not a number from 1 to %d", maxLimit)
		}
	}
	text, err := base64.RawURLEncoding.DecodeString(query.Get("cursor"))
	if err != nil {
		return p, "", fieldProblem(invalidParameter, "cursor", "was not given out by this list")
	}
	return p, string(text), nil
}

func encodeCursor(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// listByID shows a page of what was found behind an id; one more was looked for, to know whether there is more.
func listByID[T, V any](found []T, p pageRequest, view func(T) V, id func(T) string) list[V] {
	next := ""
	if len(found) > p.limit {
		found = found[:p.limit]
		next = encodeCursor(id(found[p.limit-1]))
	}
	return list[V]{views(found, view), next}
}

// listOfUser shows a page of what is the user's.
func listOfUser[T, V any](found projections.Page[T], view func(T) V) list[V] {
	next := ""
	if found.Next != 0 {
		next = encodeCursor(strconv.FormatUint(found.Next, 10))
	}
	return list[V]{views(found.Items, view), next}
}

func views[T, V any](items []T, view func(T) V) []V {
	out := make([]V, len(items)) // never null
	for i, item := range items {
		out[i] = view(item)
	}
	return out
}
