// CSV: a header, then one line for each row of seats. The lines of a schedule are adjacent. The first seven columns are of
// the schedule and the same in all of its lines; a price is the same in all lines of its section. An empty cell is as in
// the first line of its schedule. Refund tiers are in one cell, "864000=100 86400=70": until so many seconds before the start, so
// many percent. (A colon would be a time of the day to a spreadsheet.)

package schedulefile

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"onsale/domain/seats"
	"onsale/http/jsonobject"
	"onsale/http/spreadsheet"
)

var columns = []string{"scheduleId", "title", "startsAt", "holdSeconds", "maxSeatsPerUser", "payment", "refundTiers", "section", "price", "row", "seats"}

const scheduleColumns = 7 // that describe the schedule

// CSV reads schedules from lines of CSV. After an error there is nothing more.
func CSV(file []byte) iter.Seq2[Schedule, error] { return sequence(file, eachCSV) }

func eachCSV(file []byte, yield func(Schedule) bool) error {
	reader, err := spreadsheet.NewReader(file, columns)
	if err != nil {
		return notCSV(err)
	}
	var current *csvSchedule
	for {
		cells, line, err := reader.Read()
		if err == io.EOF {
			if current != nil {
				yield(current.schedule())
			}
			return nil
		}
		if err != nil {
			return notCSV(err)
		}
		if current == nil || current.cells["scheduleId"] != cells["scheduleId"] {
			if current != nil && !yield(current.schedule()) {
				return nil
			}
			current = &csvSchedule{cells: cells}
			if current.refundTiers, err = parseRefundTiers(cells["refundTiers"]); err != nil {
				return &Error{"refundTiers", err.Error(), line}
			}
		}
		if err := current.addRow(cells, line); err != nil {
			return err
		}
	}
}

// notCSV is the error of a file or line that is not CSV.
func notCSV(err error) error {
	if invalid, ok := errors.AsType[*spreadsheet.Error](err); ok {
		return &Error{cmp.Or(jsonobject.Join("", invalid.Column), jsonobject.Root), invalid.Problem, invalid.Line}
	}
	return err
}

// csvSchedule collects the lines of one schedule.
type csvSchedule struct {
	cells       map[string]string // of its first line; later lines inherit them
	refundTiers []any             // objects, as in JSON
	sections    []any             // objects, as in JSON
	lines       [][]int           // of the rows of each section
	rows        int
}

// parseRefundTiers returns the tiers in a cell as objects; nil for none.
func parseRefundTiers(cell string) (tiers []any, err error) {
	for tier := range strings.FieldsSeq(cell) {
		until, percent, ok := strings.Cut(tier, "=")
		switch {
		case !ok:
			return nil, errors.New("is not like 864000=100 86400=70")
		case len(tiers) == seats.MaxRefundTiers:
			return nil, fmt.Errorf("has more than %d tiers", seats.MaxRefundTiers)
		}
		tiers = append(tiers, map[string]any{"untilSeconds": json.Number(until), "percent": json.Number(percent)})
	}
	return tiers, nil
}

func (s *csvSchedule) addRow(cells map[string]string, line int) error {
	for _, name := range columns[:scheduleColumns] {
		if cell := cells[name]; cell != "" && cell != s.cells[name] {
			return &Error{name, "is not as in the first line of its schedule", line}
		}
	}
	switch s.rows++; {
	case cells["row"] == "":
		return &Error{"row", "is missing", line}
	case s.rows > seats.MaxRows: // checked here, so that a file cannot fill the memory
		return &Error{"row", fmt.Sprintf("is one more than the %d rows that a schedule may have", seats.MaxRows), line}
	}
	cell := func(name string) string { return cmp.Or(cells[name], s.cells[name]) }
	last := len(s.sections) - 1
	if last < 0 || s.sections[last].(map[string]any)["name"] != cell("section") {
		s.sections = append(s.sections, map[string]any{"name": cell("section"), "rows": []any{}, "price": number(cell("price"))})
		s.lines = append(s.lines, nil)
		last++
	}
	section := s.sections[last].(map[string]any)
	if price := cells["price"]; price != "" && section["price"] != json.Number(price) {
		return &Error{"price", "is not as in the line above, of the same section", line}
	}
	section["rows"] = append(section["rows"].([]any), map[string]any{"name": cells["row"], "seats": number(cell("seats"))})
	s.lines[last] = append(s.lines[last], line)
	return nil
}

func (s *csvSchedule) schedule() Schedule {
	fields := map[string]any{"sections": s.sections}
	for _, name := range []string{"scheduleId", "title", "startsAt"} {
		fields[name] = s.cells[name]
	}
	for _, name := range []string{"holdSeconds", "maxSeatsPerUser"} {
		fields[name] = number(s.cells[name])
	}
	if fields["scheduleId"] == "" {
		fields["scheduleId"] = nil
	}
	if payment := s.cells["payment"]; payment != "" {
		fields["payment"] = payment
	}
	if s.refundTiers != nil {
		fields["refundTiers"] = s.refundTiers
	}
	return Schedule{jsonobject.New(fields), s.locate}
}

// locate returns the column of a field and the line of its row; fields of the schedule are in its first line.
func (s *csvSchedule) locate(field string) (column string, line int) {
	var section, row int
	n, _ := fmt.Sscanf(field, "sections[%d].rows[%d]", &section, &row)
	name := field[strings.LastIndex(field, ".")+1:]
	switch {
	case n == 0:
		return field, s.lines[0][0]
	case n == 1 && name == "name":
		name = "section"
	case n == 2 && name == "name":
		name = "row"
	}
	return name, s.lines[section][row]
}

// number is the number in a cell, or nil.
func number(cell string) any {
	if cell == "" {
		return nil
	}
	return json.Number(cell)
}
