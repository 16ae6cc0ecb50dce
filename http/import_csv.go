// A file of schedules in CSV: a header, then one line for each row of seats. The lines of a schedule stand together; what a
// line leaves empty is as in the first line of its schedule. The lines become the same objects that JSON has.

package http

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"onsale/domain"
	"onsale/domain/seats"
	"onsale/http/jsonobject"
)

var csvColumns = []string{"scheduleId", "title", "startsAt", "holdSeconds", "maxSeatsPerUser", "section", "price", "row", "seats"}

// parseCSV calls add with every schedule of the file.
func parseCSV(file []byte, add func(*object) error) error {
	if !utf8.Valid(file) {
		return fieldProblem(domain.InvalidBody, "$", "is not UTF-8")
	}
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\uFEFF")))) // spreadsheets like to begin so
	header, err := readHeader(reader)
	if err != nil {
		return err
	}
	var schedule *csvSchedule
	for {
		record, err := reader.Read()
		if err == io.EOF {
			return schedule.finish(add)
		}
		if err != nil {
			return csvProblem(err)
		}
		line, _ := reader.FieldPos(0)
		cells := map[string]string{}
		for i, cell := range record {
			if cell = strings.TrimSpace(cell); cell != "" {
				cells[header[i]] = cell
			}
		}
		if schedule == nil || schedule.cells["scheduleId"] != cells["scheduleId"] {
			if err := schedule.finish(add); err != nil {
				return err
			}
			schedule = &csvSchedule{cells: cells}
		}
		if err := schedule.addRow(cells, line); err != nil {
			return err
		}
	}
}

func readHeader(reader *csv.Reader) ([]string, error) {
	header, err := reader.Read()
	if err == io.EOF {
		return nil, nil
	}
	if err != nil {
		return nil, csvProblem(err)
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
		if !slices.Contains(csvColumns, header[i]) {
			return nil, cellProblem(jsonobject.Join("", header[i]), 1, "is an unknown column")
		}
		if slices.Contains(header[:i], header[i]) {
			return nil, cellProblem(header[i], 1, "is given twice")
		}
	}
	return header, nil
}

func cellProblem(column string, line int, problem string) error {
	return locate(fieldProblem(domain.InvalidBody, column, "%s", problem), column, line)
}

// csvProblem is a line that is no CSV, or has other columns than the header.
func csvProblem(err error) error {
	line := 0
	if parseErr, ok := errors.AsType[*csv.ParseError](err); ok {
		line, err = parseErr.Line, parseErr.Err
	}
	return cellProblem("$", line, err.Error())
}

// The lines of one schedule in a CSV file. The first five columns are of the schedule, and the same in all of its lines; a
// price is the same in all lines of its section.

const scheduleColumns = 5 // columns

// csvSchedule is one schedule of the file.
type csvSchedule struct {
	cells    map[string]string // of its first line, and what later ones inherit
	sections []any             // objects, as in JSON
	lines    [][]int           // of the rows of each section
	rows     int
}

// addRow adds a line to the schedule.
func (s *csvSchedule) addRow(cells map[string]string, line int) error {
	for _, name := range csvColumns[:scheduleColumns] {
		if cell := cells[name]; cell != "" && cell != s.cells[name] {
			return cellProblem(name, line, "is not as in the first line of its schedule")
		}
	}
	switch s.rows++; {
	case cells["row"] == "":
		return cellProblem("row", line, "is missing")
	case s.rows > seats.MaxRows: // before they fill the memory
		return cellProblem("row", line, fmt.Sprintf("is one more than the %d rows that a schedule may have", seats.MaxRows))
	}
	cell := func(name string) string {
		if cells[name] != "" {
			return cells[name]
		}
		return s.cells[name]
	}
	last := len(s.sections) - 1
	if last < 0 || s.sections[last].(map[string]any)["name"] != cell("section") {
		s.sections = append(s.sections, map[string]any{"name": cell("section"), "rows": []any{}, "price": numberOrNil(cell("price"))})
		s.lines = append(s.lines, nil)
		last++
	}
	section := s.sections[last].(map[string]any)
	if price := cells["price"]; price != "" && section["price"] != json.Number(price) {
		return cellProblem("price", line, "is not as in the line above, of the same section")
	}
	section["rows"] = append(section["rows"].([]any), map[string]any{"name": cells["row"], "seats": numberOrNil(cell("seats"))})
	s.lines[last] = append(s.lines[last], line)
	return nil
}

// finish hands the schedule over.
func (s *csvSchedule) finish(add func(*object) error) error {
	if s == nil {
		return nil
	}
	fields := map[string]any{"sections": s.sections}
	for _, name := range []string{"scheduleId", "title", "startsAt"} {
		fields[name] = s.cells[name]
	}
	for _, name := range []string{"holdSeconds", "maxSeatsPerUser"} {
		fields[name] = numberOrNil(s.cells[name])
	}
	if fields["scheduleId"] == "" {
		fields["scheduleId"] = nil
	}
	if err := add(jsonobject.New(fields)); err != nil {
		p := problemOf(err)
		column, line := s.position(p.Field)
		return locate(p, column, line)
	}
	return nil
}

// position is the column and the line of a field.
func (s *csvSchedule) position(field string) (column string, line int) {
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

// numberOrNil is the cell of a number, or nothing.
func numberOrNil(cell string) any {
	if cell == "" {
		return nil
	}
	return json.Number(cell)
}
