// Reads show one moment of the store, and say in Last-Event-ID which: a stream that starts there misses nothing.
package http

import (
	"cmp"
	"net/http"
	"net/url"

	"onsale/projections"
)

// asker is who asks, where they may read; else it is an error.
type asker = func(*http.Request) (user string, err error)

// Who may read.
var (
	anyone  = whoAsks
	theUser = someone
)

// theShop is anybody, as for commands of admins; who does not say who they are is the admin.
func theShop(r *http.Request) (string, error) {
	user, err := whoAsks(r)
	return cmp.Or(user, adminUser), err
}

// show answers a GET with what is seen in one moment.
func (s *Server) show(asks asker, look func(r *http.Request, query url.Values, v *projections.View) (any, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		query := r.URL.Query()
		var seen any
		err := s.moment(w, r, query, asks, func(v *projections.View) (err error) {
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
func (s *Server) moment(w http.ResponseWriter, r *http.Request, query url.Values, asks asker, look func(*projections.View) error) error {
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
