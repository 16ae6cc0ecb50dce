package schedulefile

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"onsale/http/jsonobject"
)

// read collects the fields of all schedules, and the error.
func read(schedules iter.Seq2[Schedule, error]) (all []map[string]any, err error) {
	for s, err := range schedules {
		if err != nil {
			return all, err
		}
		fields := map[string]any{"id": s.Text("scheduleId"), "title": s.Text("title"), "hold": s.Integer("holdSeconds", 0)}
		for _, name := range []string{"startsAt", "maxSeatsPerUser"} {
			s.Has(name)
		}
		var rows []string
		s.Each("sections", func(o *jsonobject.Object) {
			name, price := o.Text("name"), o.Integer("price", 0)
			o.Each("rows", func(o *jsonobject.Object) {
				rows = append(rows, fmt.Sprint(name, price, o.Text("name"), o.Integer("seats", 0)))
			})
		})
		fields["rows"] = rows
		if err := s.Finish(); err != nil {
			return all, err
		}
		all = append(all, fields)
	}
	return all, nil
}

func TestSchedules_FormatsAgree(t *testing.T) {
	fromCSV, err := read(CSV([]byte("scheduleId,title,holdSeconds,section,price,row,seats\nmon,Monday,300,A,5,1,20\nmon,,,A,,2,\nmon,,,B,3,1,7\ntue,T,,A,1,1,1\n")))
	if err != nil {
		t.Fatal(err)
	}
	fromJSON, err := read(JSON([]byte(`[{"scheduleId":"mon","title":"Monday","holdSeconds":300,"sections":[
		{"name":"A","price":5,"rows":[{"name":"1","seats":20},{"name":"2","seats":20}]},{"name":"B","price":3,"rows":[{"name":"1","seats":7}]}]},
		{"scheduleId":"tue","title":"T","sections":[{"name":"A","price":1,"rows":[{"name":"1","seats":1}]}]}]`)))
	if err != nil || len(fromCSV) != 2 || fmt.Sprint(fromCSV) != fmt.Sprint(fromJSON) {
		t.Errorf("got %v and %v, %v", fromCSV, fromJSON, err)
	}
}

func TestSchedules_LocateFields(t *testing.T) {
	csv := "scheduleId,title,section,price,row,seats\ns,t,A,1,1,1\ns,,A,,2,1\ns,,B,2,1,1\nr,t,A,1,1,1\n"
	json := "[{\"scheduleId\":\"s\"},\n\n{\"scheduleId\":\"r\"}]"
	var got []string
	for s := range CSV([]byte(csv)) {
		for _, field := range []string{"title", "sections[0].price"} {
			name, line := s.Locate(field)
			got = append(got, fmt.Sprint(name, " ", line))
		}
	}
	for s := range JSON([]byte(json)) {
		name, line := s.Locate("title")
		got = append(got, fmt.Sprint(name, " ", line))
	}
	if want := []string{"title 2", "price 2", "title 5", "price 5", "[0].title 1", "[1].title 3"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for s := range CSV([]byte(csv)) {
		for field, want := range map[string]string{"sections[0].rows[1].seats": "seats 3", "sections[1].name": "section 4", "sections[1].rows[0].name": "row 4"} {
			if name, line := s.Locate(field); fmt.Sprint(name, " ", line) != want {
				t.Errorf("%s: got %s %d, want %s", field, name, line, want)
			}
		}
		break
	}
}

func TestSchedules_Errors(t *testing.T) {
	for file, want := range map[string]string{
		`[{}] 7`:     "line 1: $: something follows the schedules",
		"[{},\n{]":   "line 2: [1]: is not JSON",
		"[{},\n7]":   "line 2: [1]: is not an object",
		`{"a":1,"a"`: "line 1: $: is not JSON",
		`{"a":"` + strings.Repeat("x", maxSchedule) + `"}`: "line 1: $: has more than 1024 KiB",
		"scheduleId,colour\n":                              "line 1: colour: is an unknown column",
		"scheduleId,row\ns,1\ns\n":                         "line 3: row: is missing",
		"scheduleId,row\ns,1\ns,2,3\n":                     "line 3: $: has a cell in column 3, which has no name",
		"\uFEFF[{},\n{]":                                   "line 2: [1]: is not JSON",
		"[{},\n{\"title\":\"\\ud83d\"}]":                   "line 2: [1].title: has half of a character: \\ud83d",
		"scheduleId,title,row\ns,a,1\ns,b,2\n":             "line 3: title: is not as in the first line of its schedule",
	} {
		schedules := CSV([]byte(file))
		if strings.ContainsAny(strings.TrimPrefix(file, "\uFEFF")[:1], "[{") {
			schedules = JSON([]byte(file))
		}
		errs := 0
		for _, err := range schedules {
			if err != nil {
				if errs++; err.Error() != want {
					t.Errorf("%.40q: got %v, want %s", file, err, want)
				}
			}
		}
		if errs != 1 {
			t.Errorf("%.40q: %d errors", file, errs)
		}
	}
}
