// A file of schedules in CSV: a header, then one line for each row of seats. The lines of a schedule stand together; what a
// line leaves empty is as in the first line of its schedule. The lines become the same objects that JSON has.
package http

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"onsale/domain"
)

var columns = []string{"scheduleId", "title", "startsAt", "holdSeconds", "maxSeatsPerUser", "section", "price", "row", "seats"}

// inCSV calls add with every schedule of the file.
func inCSV(file []byte, add func(*object) error) error {
	if !utf8.Valid(file) {
		return refuseField(domain.InvalidBody, "$", "is not UTF-8")
	}
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\uFEFF")))) // spreadsheets like to begin so
	header, err := readHeader(reader)
	if err != nil {
		return err
	}
	var t *table
	for {
		record, err := reader.Read()
		if err == io.EOF {
			return t.end(add)
		}
		if err != nil {
			return badLine(err)
		}
		line, _ := reader.FieldPos(0)
		cells := map[string]string{}
		for i, cell := range record {
			if cell = strings.TrimSpace(cell); cell != "" {
				cells[header[i]] = cell
			}
		}
		if t == nil || t.cells["scheduleId"] != cells["scheduleId"] {
			if err := t.end(add); err != nil {
				return err
			}
			t = &table{cells: cells}
		}
		if err := t.row(cells, line); err != nil {
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
		return nil, badLine(err)
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
		if !slices.Contains(columns, header[i]) {
			return nil, badCell(join("", header[i]), 1, "is an unknown column")
		}
		if slices.Contains(header[:i], header[i]) {
			return nil, badCell(header[i], 1, "is given twice")
		}
	}
	return header, nil
}

func badCell(column string, line int, problem string) error {
	return inFile(refuseField(domain.InvalidBody, column, "%s", problem), column, line)
}

// badLine is a line that is no CSV, or has other columns than the header.
func badLine(err error) error {
	line := 0
	if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
		line, err = wrong.Line, wrong.Err
	}
	return badCell("$", line, err.Error())
}
