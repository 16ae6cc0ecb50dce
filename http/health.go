// How this node is: /healthz says that the process answers, /readyz whether it should be sent anybody, and why not.

package http

import "net/http"

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
	var reasons []string
	status := s.Projector.Status()
	if status.Halted != "" {
		reasons = append(reasons, "halted: "+status.Halted)
	}
	if !status.CaughtUp {
		reasons = append(reasons, "catching up with what was accepted before the start")
	}
	if s.NotReady != nil {
		reasons = append(reasons, s.NotReady()...)
	}
	w.Header()["Cache-Control"] = noStore
	if len(reasons) > 0 {
		return sendJSON(w, http.StatusServiceUnavailable, readiness{"not ready", reasons, s.ReadyNotes})
	}
	return sendJSON(w, http.StatusOK, readiness{Status: "ready", Notes: s.ReadyNotes})
}
