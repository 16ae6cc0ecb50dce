// Routes of event streams: they check that the subject exists and may be seen, and hand over to Streams.

package http

import (
	"cmp"
	"net/http"

	"onsale/http/auth"
	"onsale/http/sse"
	"onsale/projections/store"
)

// serveStream is a method of Streams, for a user or an entity.
type serveStream = func(streams Streams, w http.ResponseWriter, r *http.Request, who auth.Identity, id string)

// userStream is a stream of the user that the path names, or of the one who asks.
func (s *Server) userStream(serve serveStream) handler {
	return func(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
		id := cmp.Or(r.PathValue("userId"), who.User)
		if err := checkID(id, "userId", maxID); err != nil {
			return err
		}
		if id != who.User && !who.Roles.Any(auth.Admin) {
			return problemf(forbidden, "")
		}
		serve(s.Streams, w, r, who, id)
		return nil
	}
}

// entityStream is the stream of the entity that the path names by param. If that does not exist it gets notFoundCode; but a
// client that resumes is accepted and waits, since EventSource never retries after an error, and so is every client while
// this node is not up to date.
func (s *Server) entityStream(serve serveStream, param, notFoundCode string, exists func(id string) (bool, error)) handler {
	return func(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
		id, err := pathID(r, param)
		if err != nil {
			return err
		}
		if !sse.Resuming(r) && s.upToDate() {
			if found, err := exists(id); err == nil && !found {
				return problemf(notFoundCode, "")
			}
		}
		serve(s.Streams, w, r, who, id)
		return nil
	}
}

// orderStream is /api/v1/orders/:imp_uid/sse. A client that has seen the result gets 204, which ends an EventSource. An order
// that does not exist yet can be waited for. While this node is behind, the order may have changed hands since.
func (s *Server) orderStream(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
	id, err := generatedID(r, "imp_uid")
	if err != nil {
		return err
	}
	upToDate := s.upToDate()
	if o, known, err := lookUp(s, id, (*store.View).Order); err == nil && known && upToDate {
		if who.User != "" && !maySee(who, o.User) {
			return problemf(forbidden, "")
		}
		// An id that is ahead of this node proves nothing: the stream waits for it, or resets.
		epoch, lastSeen, ok := sse.ResumesAt(r)
		seen := ok && epoch == s.Epoch && lastSeen.Number <= s.Projector.Status().Confirmed
		if seen && o.ResultEvent != 0 && lastSeen.Number >= o.ResultEvent {
			w.Header()["Cache-Control"] = noStore
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
	}
	owner := who.User
	if who.Roles.Any(seesAnybody) {
		owner = ""
	}
	s.Streams.Order(w, r, who, id, owner)
	return nil
}

// upToDate says whether what is not in this node's store does not exist.
func (s *Server) upToDate() bool {
	status := s.Projector.Status()
	return status.Halted == "" && status.CaughtUp && !s.isolated()
}

func (s *Server) promotionExists(id string) (bool, error) {
	_, exists, err := lookUp(s, id, (*store.View).Promotion)
	return exists, err
}

func (s *Server) productExists(id string) (bool, error) {
	_, exists, err := lookUp(s, id, (*store.View).Product)
	return exists, err
}

func (s *Server) scheduleExists(id string) (bool, error) {
	if _, known := s.knownSchedules.Load(id); known {
		return true, nil
	}
	_, exists, err := lookUp(s, id, (*store.View).Schedule)
	if exists {
		s.knownSchedules.Store(id, true)
	}
	return exists, err
}

// lookUp reads one item of the store, independent of the user.
func lookUp[T any](s *Server, id string, find func(*store.View, string) (T, bool, error)) (found T, known bool, err error) {
	err = s.Projector.Read("", func(v *store.View) (err error) {
		found, known, err = find(v, id)
		return err
	})
	return found, known, err
}
