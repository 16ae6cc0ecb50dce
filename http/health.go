// The state of this node for operators: /healthz says that the process responds, /readyz whether it should receive traffic,
// and /debug/streams lists the open streams, those that are farthest behind first.

package http

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"onsale/http/auth"
	"onsale/http/sse"
	"onsale/projections"
)

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request, _ auth.Identity) error {
	w.Header()["Cache-Control"] = noStore
	return sendJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

type readiness struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request, _ auth.Identity) error {
	reasons := s.notReadyReasons(s.Projector.Status())
	var notes []string
	if s.ReadyNotes != nil {
		notes = s.ReadyNotes()
	}
	w.Header()["Cache-Control"] = noStore
	if len(reasons) > 0 {
		return sendJSON(w, http.StatusServiceUnavailable, readiness{"not ready", reasons, notes})
	}
	return sendJSON(w, http.StatusOK, readiness{Status: "ready", Notes: notes})
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

type streamView struct {
	Kind       string  `json:"kind"`
	Key        string  `json:"key"`
	Cursor     string  `json:"cursor"`
	Lag        uint64  `json:"lag"`
	AgeSeconds float64 `json:"ageSeconds"`
	State      string  `json:"state"`
}

type streamList struct {
	Total int          `json:"total"`
	Items []streamView `json:"items"`
}

// debugStreams is GET /debug/streams?limit=&format=json|text.
func (s *Server) debugStreams(w http.ResponseWriter, r *http.Request, _ auth.Identity) error {
	query := r.URL.Query()
	page, _, err := parsePage(query)
	if err != nil {
		return err
	}
	format := cmp.Or(query.Get("format"), "json")
	if format != "json" && format != "text" {
		return fieldProblem(invalidParameter, "format", "is json or text")
	}
	list := s.listStreams(s.Streams.List(), page.limit)
	w.Header()["Cache-Control"] = noStore
	if format == "json" {
		return sendJSON(w, http.StatusOK, list)
	}
	var text bytes.Buffer
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "kind\tkey\tcursor\tlag\tage\tstate")
	for _, v := range list.Items {
		age := time.Duration(v.AgeSeconds * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n", v.Kind, v.Key, v.Cursor, v.Lag, age, v.State)
	}
	fmt.Fprintf(table, "%d of %d streams\n", len(list.Items), list.Total)
	_ = table.Flush() // into memory
	send(w, http.StatusOK, []string{"text/plain; charset=utf-8"}, text.Bytes())
	return nil
}

func (s *Server) listStreams(open []sse.StreamInfo, limit int) streamList {
	slices.SortFunc(open, func(a, b sse.StreamInfo) int {
		return cmp.Or(cmp.Compare(b.Lag, a.Lag), cmp.Compare(b.Age, a.Age), cmp.Compare(a.Topic.ID, b.Topic.ID))
	})
	list := streamList{Total: len(open), Items: []streamView{}}
	for _, i := range open[:min(limit, len(open))] {
		list.Items = append(list.Items, streamView{i.Topic.Kind.String(), i.Topic.ID, s.position(i.Cursor), i.Lag, i.Age.Seconds(), i.State})
	}
	return list
}
