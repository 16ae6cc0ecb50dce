// The state of this node for operators: /healthz says that the process responds, /readyz whether it should receive traffic.

package http

import (
	"net/http"

	"onsale/projections"
)

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	w.Header()["Cache-Control"] = noStore
	return sendJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

type readiness struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) error {
	reasons := s.notReadyReasons(s.Projector.Status())
	w.Header()["Cache-Control"] = noStore
	if len(reasons) > 0 {
		return sendJSON(w, http.StatusServiceUnavailable, readiness{"not ready", reasons, s.ReadyNotes})
	}
	return sendJSON(w, http.StatusOK, readiness{Status: "ready", Notes: s.ReadyNotes})
}

func (s *Server) notReadyReasons(status projections.Status) []string {
	var reasons []string
	if status.Halted != "" {
		reasons = append(reasons, "halted: "+status.Halted)
	}
	if !status.CaughtUp {
		reasons = append(reasons, "catching up with the commands accepted before the start")
	}
	if s.NotReady != nil {
		reasons = append(reasons, s.NotReady()...)
	}
	return reasons
}
