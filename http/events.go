// Routes of event streams: they check the user and that the subject exists, and hand over to Streams.

package http

import (
	"net/http"

	"onsale/domain"
	"onsale/http/sse"
	"onsale/projections/store"
)

// userStream is /subscribe/:userId and /api/v1/me/events.
func (s *Server) userStream(w http.ResponseWriter, r *http.Request) error {
	user, err := requireUser(r)
	if err != nil {
		return err
	}
	s.Streams.User(w, r, user)
	return nil
}

// alarmStream is /api/v1/users/alarm/subscribe.
func (s *Server) alarmStream(w http.ResponseWriter, r *http.Request) error {
	user, err := requireUser(r)
	if err != nil {
		return err
	}
	s.Streams.Alarms(w, r, user)
	return nil
}

// scheduleStream is …/seats/events.
func (s *Server) scheduleStream(w http.ResponseWriter, r *http.Request) error {
	schedule, err := pathID(r, "scheduleId")
	if err != nil {
		return err
	}
	if s.notFoundForNew(r, schedule, s.scheduleExists) {
		return problemf(domain.ScheduleNotFound, "")
	}
	s.Streams.Schedule(w, r, schedule)
	return nil
}

// promotionStream is /api/v1/promotions/:promotionId/events.
func (s *Server) promotionStream(w http.ResponseWriter, r *http.Request) error {
	promotion, err := pathID(r, "promotionId")
	if err != nil {
		return err
	}
	if s.notFoundForNew(r, promotion, s.promotionExists) {
		return problemf(domain.PromotionNotFound, "")
	}
	s.Streams.Promotion(w, r, promotion)
	return nil
}

// orderStream is /api/v1/orders/:imp_uid/sse. A client that has seen the result gets 204, which ends an EventSource. An order
// that does not exist yet can be waited for. While this node is behind, the order may have changed hands since.
func (s *Server) orderStream(w http.ResponseWriter, r *http.Request) error {
	user, err := requestUser(r)
	if err != nil {
		return err
	}
	id, err := generatedID(r, "imp_uid")
	if err != nil {
		return err
	}
	upToDate := s.upToDate()
	if o, known, err := lookUp(s, id, (*store.View).Order); err == nil && known && upToDate {
		if user != "" && !maySee(o, user) {
			return problemf(forbidden, "")
		}
		epoch, lastSeen, ok := sse.ResumesAt(r)
		if ok && epoch == s.Epoch && o.ResultEvent != 0 && lastSeen.Number >= o.ResultEvent {
			w.Header()["Cache-Control"] = noStore
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
	}
	if isAdmin(user) {
		user = "" // any user's order
	}
	s.Streams.Order(w, r, id, user)
	return nil
}

// notFoundForNew says whether a stream gets 404 because its subject does not exist. A client that resumes is accepted and
// waits, since EventSource never retries after an error; so is every client while this node is not up to date.
func (s *Server) notFoundForNew(r *http.Request, id string, exists func(id string) (bool, error)) bool {
	if sse.Resuming(r) || !s.upToDate() {
		return false
	}
	found, err := exists(id)
	return err == nil && !found
}

// upToDate says whether what is not in this node's store does not exist.
func (s *Server) upToDate() bool {
	status := s.Projector.Status()
	return status.Halted == "" && status.CaughtUp
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
