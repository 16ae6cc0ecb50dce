// The lines of one schedule in a CSV file. The first five columns are of the schedule, and the same in all of its lines; a
// price is the same in all lines of its section.
package http

import (
	"encoding/json"
	"fmt"
	"strings"

	"onsale/domain/seats"
)

const ofSchedule = 5 // columns

// table is one schedule of the file.
type table struct {
	cells    map[string]string // of its first line, and what later ones inherit
	sections []any             // objects, as in JSON
	lines    [][]int           // of the rows of each section
	rows     int
}

// row adds a line to the schedule.
func (t *table) row(cells map[string]string, line int) error {
	for _, name := range columns[:ofSchedule] {
		if cell := cells[name]; cell != "" && cell != t.cells[name] {
			return badCell(name, line, "is not as in the first line of its schedule")
		}
	}
	switch t.rows++; {
	case cells["row"] == "":
		return badCell("row", line, "is missing")
	case t.rows > seats.MaxRows: // before they fill the memory
		return badCell("row", line, fmt.Sprintf("is one more than the %d rows that a schedule may have", seats.MaxRows))
	}
	cell := func(name string) string {
		if cells[name] != "" {
			return cells[name]
		}
		return t.cells[name]
	}
	last := len(t.sections) - 1
	if last < 0 || t.sections[last].(map[string]any)["name"] != cell("section") {
		t.sections = append(t.sections, map[string]any{"name": cell("section"), "rows": []any{}, "price": numeric(cell("price"))})
		t.lines = append(t.lines, nil)
		last++
	}
	section := t.sections[last].(map[string]any)
	if price := cells["price"]; price != "" && section["price"] != json.Number(price) {
		return badCell("price", line, "is not as in the line above, of the same section")
	}
	section["rows"] = append(section["rows"].([]any), map[string]any{"name": cells["row"], "seats": numeric(cell("seats"))})
	t.lines[last] = append(t.lines[last], line)
	return nil
}

// end hands the schedule over.
func (t *table) end(add func(*object) error) error {
	if t == nil {
		return nil
	}
	fields := map[string]any{"sections": t.sections}
	for _, name := range []string{"scheduleId", "title", "startsAt"} {
		fields[name] = t.cells[name]
	}
	for _, name := range []string{"holdSeconds", "maxSeatsPerUser"} {
		fields[name] = numeric(t.cells[name])
	}
	if fields["scheduleId"] == "" {
		fields["scheduleId"] = nil
	}
	if err := add(newObject(fields)); err != nil {
		p := problemOf(err)
		column, line := t.place(p.Field)
		return inFile(p, column, line)
	}
	return nil
}

// place is the column and the line of a field.
func (t *table) place(field string) (column string, line int) {
	var section, row int
	n, _ := fmt.Sscanf(field, "sections[%d].rows[%d]", &section, &row)
	name := field[strings.LastIndex(field, ".")+1:]
	switch {
	case n == 0:
		return field, t.lines[0][0]
	case n == 1 && name == "name":
		name = "section"
	case n == 2 && name == "name":
		name = "row"
	}
	return name, t.lines[section][row]
}

// numeric is the cell of a number, or nothing.
func numeric(cell string) any {
	if cell == "" {
		return nil
	}
	return json.Number(cell)
}
