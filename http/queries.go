// Reads: each shows one snapshot of the store and sends its position as Last-Event-ID; a stream that starts there misses
// nothing. Lists come in pages.

package http

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"onsale/domain"
	"onsale/http/auth"
	"onsale/http/view"
	"onsale/projections/store"
)

// viewReader makes the body of a response from one snapshot.
type viewReader = func(r *http.Request, query url.Values, v *store.View) (any, error)

// query answers a GET from one snapshot.
func (s *Server) query(read viewReader) handler {
	return func(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
		query := r.URL.Query()
		var view any
		err := s.readSnapshot(w, r, query, who, func(v *store.View) (err error) {
			view, err = read(r, query, v)
			return err
		})
		if err != nil {
			return err
		}
		return sendJSON(w, http.StatusOK, view)
	}
}

// readSnapshot reads the store as the user of the request, once it has reached the position in ?after=.
func (s *Server) readSnapshot(w http.ResponseWriter, r *http.Request, query url.Values, who auth.Identity, read func(*store.View) error) error {
	if s.Projector.Status().Halted != "" {
		return problemf(halted, "")
	}
	if s.isolated() {
		return s.notCaughtUpProblem()
	}
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return err
	}
	if err := s.waitForPosition(r.Context(), query); err != nil {
		return err
	}
	return s.Projector.Read(who.User, func(v *store.View) error {
		h := w.Header()
		h["Last-Event-Id"] = []string{s.position(v.EventNumber())}
		h["Cache-Control"] = noStore
		return read(v)
	})
}

// checkQuery refuses what url.ParseQuery would leave out: a position or a filter that is ignored gives an answer to another question.
func checkQuery(query string) error {
	if _, err := url.ParseQuery(query); err == nil {
		return nil
	}
	for pair := range strings.SplitSeq(query, "&") {
		if _, err := url.ParseQuery(pair); err != nil {
			name, _, _ := strings.Cut(pair, "=")
			return fieldProblem(invalidParameter, name, "cannot be decoded: %s", err)
		}
	}
	return fieldProblem(invalidParameter, "", "the query has too many parameters")
}

// findByPath reads the entity that the path names by param. If it does not exist the error is a problem with notFoundCode.
func findByPath[T any](r *http.Request, param, notFoundCode string, find func(id string) (T, bool, error)) (found T, err error) {
	id, err := pathID(r, param)
	if err != nil {
		return found, err
	}
	found, exists, err := find(id)
	if err == nil && !exists {
		err = problemf(notFoundCode, "")
	}
	return found, err
}

// catchUpTimeout bounds every wait for this node to reach a position.
const catchUpTimeout = 5 * time.Second

// waitForPosition waits until the store has reached the position in ?after=, which the client has seen on some node.
func (s *Server) waitForPosition(ctx context.Context, query url.Values) error {
	if !query.Has("after") {
		return nil
	}
	epoch, position, ok := view.ParsePosition(query.Get("after")) // the index of a frame does not matter to a read
	if !ok {
		return fieldProblem(invalidPosition, "after", "is not <epoch>-<n>")
	}
	if epoch != s.Epoch {
		return problemf(epochChanged, "")
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	if s.Projector.WaitConfirmed(ctx, position.Number) != nil {
		return s.notCaughtUpProblem()
	}
	return nil
}

// notCaughtUpProblem is the problem of a wait for this node that timed out, or of a read on an isolated one.
func (s *Server) notCaughtUpProblem() error {
	switch {
	case s.Projector.Status().Halted != "":
		return problemf(halted, "")
	case s.isolated():
		return problemf(notCaughtUp, "this node has no contact with the log; try again, another node may answer")
	}
	return problemf(notCaughtUp, "")
}

// isolated says that this node may know less than others.
func (s *Server) isolated() bool { return s.Isolated != nil && s.Isolated() }

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// list is one page of a list.
type list[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"nextCursor,omitempty"`
}

// pageRequest is ?limit= and ?cursor=, whose content is known to this file only.
type pageRequest struct {
	limit  int
	after  string // id, in lists by id
	before uint64 // sequence, in lists of the user's, newest first
}

func pageByID(query url.Values) (pageRequest, error) {
	p, cursor, err := parsePage(query)
	if cursor != "" && domain.CheckID(cursor) != nil {
		return p, fieldProblem(invalidParameter, "cursor", "is not a cursor of this list")
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
		return p, fieldProblem(invalidParameter, "cursor", "is not a cursor of this list")
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
		return p, "", fieldProblem(invalidParameter, "cursor", "is not a cursor of this list")
	}
	return p, string(text), nil
}

func encodeCursor(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// listByID is a page of a list by id. found has one item more than the page if there is a next page.
func listByID[T, V any](found []T, p pageRequest, view func(T) V, id func(T) string) list[V] {
	next := ""
	if len(found) > p.limit {
		found = found[:p.limit]
		next = encodeCursor(id(found[p.limit-1]))
	}
	return list[V]{views(found, view), next}
}

// userList answers with a page of a list of the user's.
func userList[T, V any](read func(v *store.View, before uint64, limit int) (store.Page[T], error), view func(T) V) viewReader {
	return func(_ *http.Request, query url.Values, v *store.View) (any, error) {
		page, err := pageByNumber(query)
		if err != nil {
			return nil, err
		}
		found, err := read(v, page.before, page.limit)
		return listOfUser(found, view), err
	}
}

// listOfUser is a page of a list of the user's.
func listOfUser[T, V any](found store.Page[T], view func(T) V) list[V] {
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
