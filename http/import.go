// Importing schedules from a file. The file is read to its end before anything is appended, so an invalid one changes
// nothing. Then each schedule is a command of its own, under a key made of the request's key and the schedule's id: the
// same file with the same key is the same import, wherever the first attempt was interrupted.

package http

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"onsale/domain"
	"onsale/http/auth"
	"onsale/http/schedulefile"
)

const (
	maxImport    = 8 << 20 // bytes
	maxSchedules = 1_000   // of a file
)

// csvTypes are the types of CSV: the second is what browsers on Windows say where a spreadsheet opens such files.
var csvTypes = []string{"text/csv", "application/vnd.ms-excel", "application/csv"}

// importEntry is a schedule of a file, as its command will have it.
type importEntry struct {
	id   string
	body validatedBody
}

type importView struct {
	ScheduleID string           `json:"scheduleId"`
	RequestID  domain.RequestID `json:"requestId"`
	Status     string           `json:"status"`
	Sequence   uint64           `json:"sequence,omitempty"`
	Code       string           `json:"code,omitempty"`
}

// importSchedules answers POST /api/v1/admin/imports/schedules with the result of each schedule, in the order of the file.
func (s *Server) importSchedules(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
	e, err := identifyRequest(w, r, who)
	if err != nil {
		return err
	}
	entries, err := s.readImport(w, r)
	if err != nil {
		return e.problemFor(err)
	}
	prefer := parsePrefer(r.Header["Prefer"])
	deadline := time.Now().Add(prefer.waitOr(defaultWait))
	key := unquoteKey(w.Header()["Idempotency-Key"][0])
	response, accepted := list[importView]{Items: []importView{}}, false
	for _, entry := range entries {
		item, err := s.importOne(r, e.user, key, entry, time.Until(deadline))
		if err != nil {
			return err
		}
		response.Items = append(response.Items, item)
		accepted = accepted || item.Status == "ACCEPTED"
	}
	if applied := prefer.applied(accepted); applied != "" {
		w.Header()["Preference-Applied"] = []string{applied}
	}
	return sendJSON(w, http.StatusOK, response)
}

// importOne submits one schedule. Where that fails the import ends, and the problem names this schedule's request: those
// before it are appended, and are found again when the file is sent again.
func (s *Server) importOne(r *http.Request, user, key string, entry importEntry, wait time.Duration) (importView, error) {
	text, err := json.Marshal(entry.body)
	if err != nil {
		return importView{}, err
	}
	e := &inflightRequest{request: domain.NewRequestID(user, key+"/"+entry.id), user: user, keyed: true, appended: make(chan struct{})}
	e.fingerprint = domain.NewFingerprint(r.Method, canonicalPath(r.URL.Path), entry.id+" "+string(text))
	view := importView{ScheduleID: entry.id, RequestID: e.request, Status: "REJECTED"}
	accepted, outcome, err := s.submit(r.Context(), e, commandRequest{entity: entry.id, body: entry.body, admin: true}, wait)
	if err != nil {
		p := e.problemFor(err)
		if p.Code == domain.RequestIDReused { // the key was used for another schedule with this id
			view.Code = p.Code
			return view, nil
		}
		p.Detail = "schedule " + entry.id + ": " + p.Detail + "; send the file again with the same Idempotency-Key"
		return view, p
	}
	if outcome == nil {
		view.Status, view.Sequence = "ACCEPTED", accepted.sequence
		return view, nil
	}
	view.Sequence = outcome.Sequence
	if rejected := rejection(outcome); rejected == nil {
		view.Status = "SUCCEEDED"
	} else {
		view.Code = rejected.Code
	}
	return view, nil
}

// readImport reads all schedules of the file and validates them.
func (s *Server) readImport(w http.ResponseWriter, r *http.Request) ([]importEntry, error) {
	read := schedulefile.JSON
	if slices.ContainsFunc(csvTypes, func(media string) bool { return hasMediaType(r, media) }) {
		read = schedulefile.CSV
	} else if !hasMediaType(r, "application/json") {
		w.Header()["Accept"] = []string{"application/json, text/csv"}
		return nil, problemf(unsupportedMediaType, "a file is text/csv or application/json, in UTF-8")
	}
	file, err := readAll(w, r, maxImport, s.importTimeout)
	if err != nil {
		return nil, err
	}
	var entries []importEntry
	seen := map[string]bool{}
	for schedule, err := range read(file) {
		if err != nil {
			return nil, err
		}
		o := schedule.Object
		entry := importEntry{id: idField(o, "scheduleId", maxEntityID), body: decodeSchedule(o)}
		switch {
		case entry.id == "":
			o.Invalid("scheduleId", "is missing") // a generated one would differ when the file is sent again
		case seen[entry.id]:
			o.Invalid("scheduleId", "occurs earlier in the file")
		case len(entries) == maxSchedules:
			o.Invalid("scheduleId", "is one more than the %d schedules that a file may have", maxSchedules)
		}
		err := o.Finish()
		if err == nil {
			err = entry.body.Check()
		}
		if err != nil {
			p := problemOf(err)
			field, line := schedule.Locate(p.Field)
			p.Detail = field + strings.TrimPrefix(p.Detail, p.Field)
			p.Field, p.Line = field, line
			return nil, p
		}
		seen[entry.id], entries = true, append(entries, entry)
	}
	if len(entries) == 0 {
		return nil, fieldProblem(domain.InvalidBody, "$", "has no schedule")
	}
	return entries, nil
}
