// Reads show one moment of the store, and say in Last-Event-ID which: a stream that starts there misses nothing.

package http

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"onsale/http/view"
	"onsale/projections"
)

// userPolicy is who asks, where they may read; else it is an error.
type userPolicy = func(*http.Request) (user string, err error)

// Who may read.
var (
	anonymousOK  = requestUser
	userRequired = requireUser
)

// anonymousAsAdmin is anybody, as for commands of admins; who does not say who they are is the admin.
func anonymousAsAdmin(r *http.Request) (string, error) {
	user, err := requestUser(r)
	return cmp.Or(user, adminUser), err
}

// query answers a GET with what is seen in one moment.
func (s *Server) query(policy userPolicy, read func(r *http.Request, query url.Values, v *projections.View) (any, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		query := r.URL.Query()
		var view any
		err := s.readSnapshot(w, r, query, policy, func(v *projections.View) (err error) {
			view, err = read(r, query, v)
			return err
		})
		if err != nil {
			return err
		}
		return sendJSON(w, http.StatusOK, view)
	}
}

// readSnapshot opens the store for the user who asks, once it has what ?after= asks for, and stamps the answer.
func (s *Server) readSnapshot(w http.ResponseWriter, r *http.Request, query url.Values, policy userPolicy, read func(*projections.View) error) error {
	user, err := policy(r)
	if err != nil {
		return err
	}
	if s.Projector.Status().Halted != "" {
		return problemf(halted, "")
	}
	if err := s.waitForPosition(r.Context(), query); err != nil {
		return err
	}
	return s.Projector.Read(user, func(v *projections.View) error {
		h := w.Header()
		h["Last-Event-Id"] = []string{s.position(v.EventNumber())}
		h["Cache-Control"] = noStore
		return read(v)
	})
}

// ?after=<position>: a read that must show at least what its reader has seen already, on whichever node it lands.

// catchUpTimeout bounds every wait for this node to reach a known point.
const catchUpTimeout = 5 * time.Second

// waitForPosition waits until the store has reached what the query asks for.
func (s *Server) waitForPosition(ctx context.Context, query url.Values) error {
	if !query.Has("after") {
		return nil
	}
	epoch, position, ok := view.ParsePosition(query.Get("after")) // the place within an event says nothing to a read
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

// notCaughtUpProblem is what is said when a wait for this node was in vain.
func (s *Server) notCaughtUpProblem() error {
	if s.Projector.Status().Halted != "" {
		return problemf(halted, "")
	}
	return problemf(notCaughtUp, "")
}
