package http

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/seats"
)

// importResponse is the response to a file: items, or a problem.
type importResponse struct {
	Status int `json:"-"`
	Items  []importView
	problem
}

func (f *fixture) importFile(t *testing.T, contentType, key, file string) importResponse {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", f.url+"/api/v1/admin/imports/schedules", strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	imported := importResponse{}
	if err != nil || json.Unmarshal(body, &imported) != nil {
		t.Fatalf("%s, %v", body, err)
	}
	imported.Status = response.StatusCode
	if response.Header.Get("Idempotency-Key") != key {
		t.Errorf("the key was not echoed: %v", response.Header)
	}
	return imported
}

const (
	sampleCSV = "\uFEFFscheduleId,title,startsAt,holdSeconds,maxSeatsPerUser,payment,refundTiers,section,price,row,seats\r\n" +
		"mon,\"Monday, late\",2030-05-01T19:30:00Z,300,2,required,864000=100  86400=70,A,50000,1,20\r\n" +
		"mon,,,,,,,,,2,\r\n" +
		"mon,,,,,required,,B,30000,1,10\r\n" +
		"mon,,,,,,,B,,2,10\r\n" +
		"\r\n" +
		"tue,Tuesday,,,,,,A,100,1,3\r\n"
	sampleJSON = `[{"scheduleId": "mon", "title": "Monday, late", "startsAt": "2030-05-01T19:30:00Z", "holdSeconds": 300, "maxSeatsPerUser": 2,
		"payment": "required", "refundTiers": [{"untilSeconds": 864000, "percent": 100}, {"untilSeconds": 86400, "percent": 70}],
		"sections": [{"name": "A", "price": 50000, "rows": [{"name": "1", "seats": 20}, {"name": "2", "seats": 20}]},
			{"name": "B", "price": 30000, "rows": [{"name": "1", "seats": 10}, {"name": "2", "seats": 10}]}]},
		{"scheduleId": "tue", "title": "Tuesday", "payment": "none", "refundTiers": [], "sections": [{"name": "A", "price": 100, "rows": [{"name": "1", "seats": 3}]}]}]`
)

// The same schedules as CSV and JSON are the same import: the second gets the outcomes of the first.
func TestImport_ReplaysAcrossFormats(t *testing.T) {
	f := newFixture(t)
	first := f.importFile(t, "text/csv", "k", sampleCSV)
	want := []importView{
		{"mon", domain.NewRequestID("admin", "k/mon"), "SUCCEEDED", 1000, ""},
		{"tue", domain.NewRequestID("admin", "k/tue"), "SUCCEEDED", 2000, ""},
	}
	if first.Status != 200 || fmt.Sprint(first.Items) != fmt.Sprint(want) {
		t.Errorf("got %+v", first)
	}
	second := f.importFile(t, "application/json", "k", sampleJSON)
	if fmt.Sprint(second.Items) != fmt.Sprint(want) || f.log.appended() != 2 {
		t.Errorf("got %+v after %d appends", second, f.log.appended())
	}
	monday := f.log.batches[0].Commands[0]
	c := monday.Body.(seats.Create)
	if monday.Entity != "mon" || monday.User != "admin" || c.MaxExtensions != 1 || c.MaxHoldSeconds != 600 || len(c.Sections) != 2 || c.Sections[0].Rows[1].Seats != 20 ||
		c.Payment != seats.PaymentRequired || fmt.Sprint(c.RefundTiers) != "[{864000 100} {86400 70}]" {
		t.Errorf("got %+v", monday)
	}

	other := f.importFile(t, "text/csv", "k", strings.Replace(sampleCSV, "Tuesday", "Wednesday", 1))
	if other.Items[0].Status != "SUCCEEDED" || other.Items[1].Code != domain.RequestIDReused {
		t.Errorf("got %+v", other)
	}
	taken := f.importFile(t, "application/json; charset=utf-8", "k2", `{"scheduleId": "tue", "title": "t", "sections": [{"name": "A", "price": 1, "rows": [{"name": "1", "seats": 1}]}]}`)
	if len(taken.Items) != 1 || taken.Items[0].Status != "REJECTED" || taken.Items[0].Code != domain.ScheduleExists || taken.Items[0].Sequence != 3000 {
		t.Errorf("got %+v", taken)
	}
}

// However a spreadsheet writes the file, it is the same file.
func TestImport_TakesWhatSpreadsheetsWrite(t *testing.T) {
	f := newFixture(t)
	const plain = "scheduleId,title,section,price,row,seats\ns,월요일,=R,50,1,20\ns,,=R,,2,10\n"
	first := f.importFile(t, "text/csv", "k", plain)
	if first.Status != 200 || len(first.Items) != 1 || first.Items[0].Status != "SUCCEEDED" {
		t.Fatalf("got %+v", first)
	}
	for name, c := range map[string]struct{ contentType, file string }{
		"browsers on Windows":      {"application/vnd.ms-excel", plain},
		"utf8":                     {"text/csv; charset=utf8; header=present", plain},
		"semicolons":               {"text/csv", strings.ReplaceAll(plain, ",", ";")},
		"sep":                      {"text/csv", "\uFEFFsep=\t\r\n" + strings.ReplaceAll(plain, ",", "\t")},
		"delimiters left out":      {"text/csv", "scheduleId,title,section,price,row,seats,holdSeconds,startsAt\ns,월요일,=R,50,1,20\ns,,,,2,10,\n"},
		"empty lines and columns":  {"text/csv", "scheduleId,title,section,price,row,seats,,\ns,월요일,=R,50,1,20,,\n   \ns,,=R,,2,10,,\n,,,,,,,\n,,,,,,,\n"},
		"decomposed":               {"text/csv", strings.Replace(plain, "월요일", "\u110b\u116f\u11af\u110b\u116d\u110b\u1175\u11af", 1)},
		"escaped as in our export": {"text/csv", strings.ReplaceAll(plain, "=R", "'=R")},
		"JSON with a byte order mark": {"application/json", "\uFEFF" + `{"scheduleId":"s","title":"월요일","sections":[{"name":"=R","price":50,"rows":[
			{"name":"1","seats":20},{"name":"2","seats":10}]}]}`},
	} {
		if again := f.importFile(t, c.contentType, "k", c.file); fmt.Sprint(again.Items) != fmt.Sprint(first.Items) {
			t.Errorf("%s: got %+v", name, again)
		}
	}
	if f.log.appended() != 1 {
		t.Errorf("%d commands were appended", f.log.appended())
	}
	if exported := f.downloadCSV(t, "seats.csv"); !strings.Contains(exported, "s,21,'=R,2,1,50,AVAILABLE") {
		t.Errorf("got %s", exported)
	}
}

// An interrupted import names the schedule whose outcome is unknown, and continues when the file is sent again.
func TestImport_ResumesAfterUnknownOutcome(t *testing.T) {
	f := newFixture(t)
	f.log.appendErr, f.log.storesAnyway = domain.ErrNoAck, true
	failed := f.importFile(t, "text/csv", "k", sampleCSV)
	if failed.Status != 503 || failed.Code != outcomeUnknown || failed.RequestID != domain.NewRequestID("admin", "k/mon") || !strings.Contains(failed.Detail, "schedule mon") {
		t.Errorf("got %+v", failed)
	}
	retried := f.importFile(t, "text/csv", "k", sampleCSV)
	if retried.Status != 200 || retried.Items[0].Sequence != 1000 || retried.Items[1].Status != "SUCCEEDED" {
		t.Errorf("got %+v", retried)
	}
}

// An invalid file changes nothing; the problem names the line and the field.
func TestImport_LocatesErrors(t *testing.T) {
	f := newFixture(t)
	const header = "scheduleId,title,section,price,row,seats\n"
	const tiers = "scheduleId,title,startsAt,payment,refundTiers,section,price,row,seats\n"
	monday := `{"scheduleId":"mon","title":"t","sections":[{"name":"A","price":1,"rows":[{"name":"1","seats":1}]}]}`
	for i, c := range []struct {
		contentType, file string
		status, line      int
		field             string
	}{
		{"text/csv", "", 400, 0, "$"},
		{"text/csv", header, 400, 0, "$"},
		{"text/csv", "scheduleId,colour\n", 400, 1, "colour"},
		{"text/csv", "scheduleId,row,row\n", 400, 1, "row"},
		{"text/csv", header + "s,t,A,1,1,1\ns,t,A\n", 400, 3, "row"},
		{"text/csv", header + "s,t,A,1,1,1,,x\n", 400, 2, "$"},
		{"text/csv", "sep=;\n" + strings.ReplaceAll(header, ",", ";") + "s;t;A;1;1;1\n;;;;;\ns;;B;2;;1\n", 400, 5, "row"},
		{"text/csv", "scheduleId,title,startsAt,holdSeconds,maxSeatsPerUser,section,price,row,seats\ndup,Show,,,,A,100,1,2\ndup,,,,,B,50,1,1\ndup,,,,,A,,1,1\n", 400, 4, "section"},
		{"text/csv", header + "s,t,A,1,1,1\ns,,A,,2,1\ns,,A,,1,1\n", 400, 4, "row"},
		{"text/csv", header + "s,t,A,1,1-1,1\ns,,A-1,2,2,1\ns,,A-1,,1,1\n", 400, 4, "row"},
		{"text/csv", header + "s,t,가,1,1,1\ns,,\u1100\u1161,,1,1\n", 400, 3, "row"},
		{"text/csv", header + "s,t,가,1,1,1\ns,,B,1,1,1\ns,,\u1100\u1161,1,2,1\n", 400, 4, "section"},
		{"text/csv", header + "s,t\x00,A,1,1,1\n", 400, 2, "title"},
		{"text/csv", header + "s,t\u202e,A,1,1,1\n", 400, 2, "title"},
		{"text/csv", "scheduleId,title,startsAt,section,price,row,seats\ns,t,,A,1,1,1\nr,t,2030-01-01T1:00:00Z,A,1,1,1\n", 400, 3, "startsAt"},
		{"text/csv", tiers + "s,t,2030-01-01T19:00:00Z,required,864000,A,1,1,1\n", 400, 2, "refundTiers"},
		{"text/csv", tiers + "s,t,2030-01-01T19:00:00Z,required,864000=100 x=70,A,1,1,1\n", 400, 2, "refundTiers[1].untilSeconds"},
		{"text/csv", tiers + "s,t,2030-01-01T19:00:00Z,required,864000=100 86400=,A,1,1,1\n", 400, 2, "refundTiers[1].percent"},
		{"text/csv", tiers + "s,t,2030-01-01T19:00:00Z,required,864000=50 86400=70,A,1,1,1\n", 400, 2, "refundTiers[1].percent"},
		{"text/csv", tiers + "s,t,2030-01-01T19:00:00Z,required," + strings.Repeat("9=9 ", 1_000_000) + ",A,1,1,1\n", 400, 2, "refundTiers"},
		{"text/csv", tiers + "s,t,2030-01-01T19:00:00Z,required,9=9,A,1,1,1\ns,,,,9=8,A,1,2,1\n", 400, 3, "refundTiers"},
		{"text/csv", tiers + "s,t,,required,9=9,A,1,1,1\n", 400, 2, "refundTiers"},
		{"text/csv", tiers + "s,t,2030-01-01T19:00:00Z,,9=9,A,1,1,1\n", 400, 2, "refundTiers"},
		{"text/csv", tiers + "s,t,2030-01-01T19:00:00Z,maybe,,A,1,1,1\n", 400, 2, "payment"},
		{"text/csv", tiers + "s,t,2030-01-01T19:00:00Z,required,,A,1,1,1\ns,,,none,,A,1,2,1\n", 400, 3, "payment"},
		{"application/vnd.ms-excel", "PK\x03\x04", 400, 0, "$"},
		{"application/vnd.ms-excel; charset=euc-kr", header, 415, 0, ""},
		{"text/csv", header + "s,t,A,1,\"1,1\n", 400, 2, "$"},
		{"text/csv", header + "s,t,A,1,1,1\n,,A,1,2,1\n", 400, 3, "scheduleId"},
		{"text/csv", header + "s,t,A,1,1,1\nr,t,A,1,1,1\ns,t,A,1,2,1\n", 400, 4, "scheduleId"},
		{"text/csv", header + "s.s,t,A,1,1,1\n", 400, 2, "scheduleId"},
		{"text/csv", header + "s,,A,1,1,1\ns,t,A,1,2,1\n", 400, 3, "title"},
		{"text/csv", header + "s,,A,1,1,1\n", 400, 2, "title"},
		{"text/csv", header + "s,t,A,1,1,1\ns,,A,2,2,1\n", 400, 3, "price"},
		{"text/csv", header + "s,t,A,1,1,1\ns,,B,x,2,1\n", 400, 3, "price"},
		{"text/csv", header + "s,t,A,1,1,1\ns,,,,,\n", 400, 3, "row"},
		{"text/csv", header + "s,t,A,1,1,1\ns,,,,2,0\n", 400, 3, "seats"},
		{"text/csv", header + "s,t,A,1,1,1\ns,,,,\a,\n", 400, 3, "row"},
		{"text/csv", header + "s,t,A,1,1,1\ns,,\a,,1,\n", 400, 3, "section"},
		{"text/csv", header + "s,t,A,1,1,1e3\n", 400, 2, "seats"},
		{"text/csv", header + "s,t,A,1,1,1\n" + strings.Repeat("s,,,,1,\n", seats.MaxRows), 400, seats.MaxRows + 2, "row"},
		{"text/csv", header + "s,\xff,A,1,1,1\n", 400, 0, "$"},
		{"text/csv; charset=euc-kr", header, 415, 0, ""},
		{"text/plain", header, 415, 0, ""},
		{"text/csv", header + strings.Repeat("s,t,A,1,1,1\n", maxImport/12), 413, 0, ""},
		{"application/json", "", 400, 1, "$"},
		{"application/json", "\uFEFF", 400, 1, "$"},
		{"application/json", "[" + monday + ",\n" + `{"scheduleId":"s","title":"\ud800"}]`, 400, 2, "[1].title"},
		{"application/json", "[" + monday + ",\n" + strings.Replace(monday, `"rows":[`, `"rows":[{"name":"1","seats":1},`, 1) + "]", 400, 2, "[1].scheduleId"},
		{"application/json", strings.Replace(monday, `"rows":[`, `"rows":[{"name":"1","seats":1},`, 1), 400, 1, "sections[0].rows[1].name"},
		{"application/json", "[]", 400, 0, "$"},
		{"application/json", "7", 400, 1, "$"},
		{"application/json", monday + "\n" + monday, 400, 2, "$"},
		{"application/json", "[" + monday + ",\n" + monday + "]", 400, 2, "[1].scheduleId"},
		{"application/json", "[" + monday + ",\n\n7]", 400, 3, "[1]"},
		{"application/json", "[" + monday + ",\n" + `{"scheduleId":"tue","title":"t","sections":[{"name":"A","price":1,"rows":[{"name":"1"}]}]}]`, 400, 2, "[1].sections[0].rows[0].seats"},
		{"application/json", "[" + monday + ",\n" + `{"title":"t"}]`, 400, 2, "[1].scheduleId"},
		{"application/json", "[" + monday + ",\n" + `{"scheduleId":"s","scheduleId":"s"}]`, 400, 2, "[1].scheduleId"},
		{"application/json", "[" + monday + ",\n", 400, 2, "[1]"},
		{"application/json", "[" + monday + "\n", 400, 2, "$"},
		{"application/json", "[" + monday + ",\n}]", 400, 2, "[1]"},
		{"application/json", "[" + monday + "] 7", 400, 1, "$"},
		{"application/json", `{"scheduleId":"` + strings.Repeat("x", 1<<20) + `"}`, 400, 1, "$"},
		{"application/json", strings.Replace(monday, "t", "t\xff", 1), 400, 1, "$"},
	} {
		got := f.importFile(t, c.contentType, "k", c.file)
		if got.Status != c.status || got.Line != c.line || got.Field != c.field || c.field != "" && !strings.HasPrefix(got.Detail, c.field+": ") {
			t.Errorf("%d: %.80q: got %d, line %d, field %q, %q", i, c.file, got.Status, got.Line, got.Field, got.Detail)
		}
	}
	if f.log.appended() != 0 {
		t.Errorf("%d commands were appended", f.log.appended())
	}
}
