// Reads show one moment of the store, and say in Last-Event-ID which: a stream that starts there misses nothing.
package http

import (
	"net/http"
	"net/url"

	"onsale/projections"
)

// anyone and theUser say who may read.
const (
	anyone  = false
	theUser = true
)

// show answers a GET with what is seen in one moment.
func (s *Server) show(needsUser bool, look func(r *http.Request, query url.Values, v *projections.View) (any, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		query := r.URL.Query()
		var seen any
		err := s.moment(w, r, query, needsUser, func(v *projections.View) (err error) {
			seen, err = look(r, query, v)
			return err
		})
		if err != nil {
			return err
		}
		return sendJSON(w, http.StatusOK, seen)
	}
}

// moment opens the store for the user who asks, once it has what ?after= asks for, and stamps the answer.
func (s *Server) moment(w http.ResponseWriter, r *http.Request, query url.Values, needsUser bool, look func(*projections.View) error) error {
	asks := whoAsks
	if needsUser {
		asks = someone
	}
	user, err := asks(r)
	if err != nil {
		return err
	}
	if s.Projector.Status().Halted != "" {
		return refuse(halted, "")
	}
	if err := s.catchUp(r.Context(), query); err != nil {
		return err
	}
	return s.Projector.Read(user, func(v *projections.View) error {
		h := w.Header()
		h["Last-Event-Id"] = []string{s.position(v.Position())}
		h["Cache-Control"] = noStore
		return look(v)
	})
}
