// The doors of the event streams: who asks, and is there such a stream. What comes after is written by Streams.

package http

import (
	"net/http"
	"runtime/debug"

	"onsale/domain"
	"onsale/http/sse"
	"onsale/projections"
)

// streamRoute adds the route of a stream. It answers GET only: a stream has no headers of its own to look at.
func (s *Server) streamRoute(path string, h handler) {
	s.handle(http.MethodGet, path, func(w http.ResponseWriter, r *http.Request) error {
		defer func() {
			if value := recover(); value != nil && value != http.ErrAbortHandler {
				s.Logger.Error("stream panicked", "id", w.Header().Get("X-Request-Id"), "path", r.URL.Path, "panic", value, "stack", string(debug.Stack()))
				panic(http.ErrAbortHandler) // half a stream cannot become a problem; its client comes back
			} else if value != nil {
				panic(value)
			}
		}()
		return h(w, r)
	})
}

// userStream is /subscribe/:userId and /api/v1/me/events.
func (s *Server) userStream(w http.ResponseWriter, r *http.Request) error {
	user, err := requireUser(r)
	if err != nil {
		return err
	}
	s.Streams.User(w, r, user)
	return nil
}

// alarmStream is /api/v1/users/alarm/subscribe: of what userStream tells, the alarms.
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

// orderStream is /api/v1/orders/:imp_uid/sse. Who has seen the verdict need not come again: that is what 204 says to an
// EventSource. An order that is not there yet may come, to whoever waits for it; one that this node knows of while it is
// behind may have become another's.
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
	if o, known, err := lookUp(s, id, (*projections.View).Order); err == nil && known && upToDate {
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
		user = "" // may watch anybody's
	}
	s.Streams.Order(w, r, id, user)
	return nil
}

// notFoundForNew says that what a stream is about is not there, which is 404 to who comes for the first time. Who comes back
// with an id is let in and waits, for EventSource gives up for ever on an error; so is everybody while this node cannot
// know what is there.
func (s *Server) notFoundForNew(r *http.Request, id string, exists func(id string) (bool, error)) bool {
	if sse.Resuming(r) || !s.upToDate() {
		return false
	}
	found, err := exists(id)
	return err == nil && !found
}

// upToDate says that what this node does not know is not there.
func (s *Server) upToDate() bool {
	status := s.Projector.Status()
	return status.Halted == "" && status.CaughtUp
}

func (s *Server) promotionExists(id string) (bool, error) {
	_, exists, err := lookUp(s, id, (*projections.View).Promotion)
	return exists, err
}

func (s *Server) productExists(id string) (bool, error) {
	_, exists, err := lookUp(s, id, (*projections.View).Product)
	return exists, err
}

func (s *Server) scheduleExists(id string) (bool, error) {
	if _, known := s.knownSchedules.Load(id); known {
		return true, nil
	}
	_, exists, err := lookUp(s, id, (*projections.View).Schedule)
	if exists {
		s.knownSchedules.Store(id, true)
	}
	return exists, err
}

// lookUp is one thing of the store, whoever asks.
func lookUp[T any](s *Server, id string, find func(*projections.View, string) (T, bool, error)) (found T, known bool, err error) {
	err = s.Projector.Read("", func(v *projections.View) (err error) {
		found, known, err = find(v, id)
		return err
	})
	return found, known, err
}
