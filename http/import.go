// Many schedules at once, out of one file: JSON as it opens single ones, or lines of CSV. A file is read to its end before
// anything is put in line, so a bad one changes nothing. Then each schedule is a command of its own, under a key made of
// the request's key and its id: the same file with the same key is the same import, wherever the first try broke off.

package http

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"onsale/domain"
)

const (
	maxFileSize  = 8 << 20
	fileTimeout  = time.Minute
	maxSchedules = 1_000 // of a file
)

// scheduleDraft is a schedule of a file, as its command will have it.
type scheduleDraft struct {
	id   string
	body validatedBody
}

type importedView struct {
	ScheduleID string           `json:"scheduleId"`
	RequestID  domain.RequestID `json:"requestId"`
	Status     string           `json:"status"`
	Sequence   uint64           `json:"sequence,omitempty"`
	Code       string           `json:"code,omitempty"`
}

// importSchedules answers POST /api/v1/admin/imports/schedules: what became of each schedule, in the order of the file.
func (s *Server) importSchedules(w http.ResponseWriter, r *http.Request) error {
	e, err := identifyRequest(w, r, adminUser)
	if err != nil {
		return err
	}
	drafts, err := readScheduleFile(w, r)
	if err != nil {
		return e.problemFor(err)
	}
	deadline := time.Now().Add(preferredWait(r.Header["Prefer"], defaultWait))
	response := list[importedView]{Items: []importedView{}}
	for _, d := range drafts {
		item, err := s.importOne(r, e.user, w.Header()["Idempotency-Key"][0], d, time.Until(deadline))
		if err != nil {
			return err
		}
		response.Items = append(response.Items, item)
	}
	return sendJSON(w, http.StatusOK, response)
}

// importOne puts one schedule in line. Where it cannot, the import ends, and the problem names this schedule's request:
// those before it are in line, and are found again when the file comes again.
func (s *Server) importOne(r *http.Request, user, key string, d scheduleDraft, wait time.Duration) (importedView, error) {
	text, err := json.Marshal(d.body)
	if err != nil {
		return importedView{}, err
	}
	e := &inflightRequest{request: domain.NewRequestID(user, key+"/"+d.id), user: user, keyed: true, appended: make(chan struct{})}
	e.fingerprint = domain.NewFingerprint(r.Method, canonicalPath(r.URL.Path), d.id+" "+string(text))
	view := importedView{ScheduleID: d.id, RequestID: e.request, Status: "REJECTED"}
	accepted, outcome, err := s.submit(r.Context(), e, commandRequest{entity: d.id, body: d.body, admin: true}, wait)
	if err != nil {
		p := e.problemFor(err)
		if p.Code == domain.RequestIDReused { // the key brought another schedule of this id before
			view.Code = p.Code
			return view, nil
		}
		p.Detail = "schedule " + d.id + ": " + p.Detail + "; send the file again with the same Idempotency-Key"
		return view, p
	}
	if outcome == nil {
		view.Status, view.Sequence = "ACCEPTED", accepted.sequence
		return view, nil
	}
	view.Sequence = outcome.Sequence
	rejected, err := rejection(outcome)
	if err != nil {
		return view, err
	}
	if rejected == nil {
		view.Status = "SUCCEEDED"
	} else {
		view.Code = rejected.Code
	}
	return view, nil
}

// readScheduleFile reads all schedules of the file and checks their shapes.
func readScheduleFile(w http.ResponseWriter, r *http.Request) (drafts []scheduleDraft, err error) {
	read := parseJSON
	if hasMediaType(r, "text/csv") {
		read = parseCSV
	} else if !hasMediaType(r, "application/json") {
		return nil, problemf(unsupportedMediaType, "a file is text/csv or application/json, in UTF-8")
	}
	file, err := readAll(w, r, maxFileSize, fileTimeout)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	err = read(file, func(o *object) error {
		d := scheduleDraft{id: idField(o, "scheduleId", maxEntityID), body: decodeSchedule(o)}
		switch {
		case d.id == "":
			o.Invalid("scheduleId", "is missing") // one that is made up would be another when the file comes again
		case seen[d.id]:
			o.Invalid("scheduleId", "stands in the file before")
		case len(drafts) == maxSchedules:
			o.Invalid("scheduleId", "is one more than the %d schedules that a file may have", maxSchedules)
		}
		if err := o.Finish(); err != nil {
			return err
		}
		seen[d.id], drafts = true, append(drafts, d)
		return d.body.Check()
	})
	if err == nil && len(drafts) == 0 {
		err = fieldProblem(domain.InvalidBody, "$", "has no schedule")
	}
	return drafts, err
}

// locate is a fault with its place in a file: the field as the file calls it, and the line.
func locate(err error, field string, line int) error {
	p := problemOf(err)
	p.Detail = field + strings.TrimPrefix(p.Detail, p.Field)
	p.Field, p.Line = field, line
	return p
}
