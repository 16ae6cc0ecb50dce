// Reading a table: a header, then lines with cells under its names. Spreadsheets put a byte order mark or "sep=;" at the
// beginning, separate by what the decimal mark of their country leaves, leave out delimiters at the end of a line, and add lines
// and columns of empty cells.

package spreadsheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Error is a file or a line that cannot be read. Line is 0 when the error is about the whole file.
type Error struct {
	Column, Problem string // Column is "" when the error is about the whole line
	Line            int
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s: %s", e.Line, e.Column, e.Problem) }

// Reader reads a table line by line.
type Reader struct {
	csv    *csv.Reader
	header []string // "" above a column without a name
	above  int      // lines above those that csv reads
}

const delimiters = ",;\t"

// NewReader reads the header, which is the first line that is not empty and has some of these columns. A file without one has no
// lines.
func NewReader(file []byte, columns []string) (*Reader, error) {
	switch {
	case bytes.HasPrefix(file, []byte("PK\x03\x04")), bytes.HasPrefix(file, []byte("\xD0\xCF\x11\xE0")):
		return nil, &Error{Problem: `is a workbook; save it as "CSV UTF-8"`}
	case !utf8.Valid(file):
		return nil, &Error{Problem: `is not UTF-8; save it as "CSV UTF-8"`}
	}
	file = bytes.TrimPrefix(file, []byte(byteOrderMark))
	if !bytes.Contains(file, []byte("\n")) {
		file = bytes.ReplaceAll(file, []byte("\r"), []byte("\n")) // as on old Macs
	}
	r := &Reader{}
	delimiter, rest, found := cutSeparatorLine(file)
	if found {
		file, r.above = rest, 1
	} else {
		delimiter = guessDelimiter(file)
	}
	r.csv = csv.NewReader(bytes.NewReader(file))
	r.csv.Comma, r.csv.FieldsPerRecord = delimiter, -1
	header, line, err := r.record()
	if err != nil && err != io.EOF {
		return nil, err
	}
	for i, name := range header {
		switch {
		case name == "":
		case !slices.Contains(columns, name):
			return nil, &Error{name, "is an unknown column", line}
		case slices.Contains(header[:i], name):
			return nil, &Error{name, "is given twice", line}
		}
	}
	r.header = header
	return r, nil
}

// Read returns the cells of the next line that are not empty, by column, in NFC; and its line in the file, from 1. At the end
// it returns io.EOF.
func (r *Reader) Read() (cells map[string]string, line int, err error) {
	record, line, err := r.record()
	if err != nil {
		return nil, 0, err
	}
	cells = map[string]string{}
	for i, cell := range record {
		switch {
		case cell == "":
		case i >= len(r.header) || r.header[i] == "":
			return nil, 0, &Error{"", fmt.Sprintf("has a cell in column %d, which has no name", i+1), line}
		default:
			cells[r.header[i]] = nfc(unescape(cell))
		}
	}
	return cells, line, nil
}

// record returns the next line with a cell that is not empty. Spaces around cells do not count.
func (r *Reader) record() (record []string, line int, err error) {
	for {
		record, err := r.csv.Read()
		if parseErr, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, 0, &Error{"", parseErr.Err.Error(), r.above + parseErr.Line}
		}
		if err != nil {
			return nil, 0, err
		}
		empty := true
		for i, cell := range record {
			record[i] = strings.TrimSpace(cell)
			empty = empty && record[i] == ""
		}
		if !empty {
			line, _ := r.csv.FieldPos(0)
			return record, r.above + line, nil
		}
	}
}

// cutSeparatorLine finds a first line such as "sep=;", by which Excel is told the delimiter.
func cutSeparatorLine(file []byte) (delimiter rune, rest []byte, found bool) {
	first, rest, _ := bytes.Cut(file, []byte("\n"))
	text := strings.Trim(string(first), "\"\r")
	if len(text) != len("sep=,") || !strings.EqualFold(text[:4], "sep=") || !strings.Contains(delimiters, text[4:]) {
		return 0, nil, false
	}
	return rune(text[4]), rest, true
}

// guessDelimiter returns the delimiter that the header has most of, commas if there are as many.
func guessDelimiter(file []byte) (delimiter rune) {
	var header []byte
	for line := range bytes.Lines(file) {
		if len(bytes.Trim(line, " \"\r\n"+delimiters)) > 0 {
			header = line
			break
		}
	}
	most := -1
	for _, d := range delimiters {
		if n := bytes.Count(header, []byte(string(d))); n > most {
			delimiter, most = d, n
		}
	}
	return delimiter
}

// nfc is Unicode's normal form in which names that look the same are the same.
func nfc(s string) string { return norm.NFC.String(s) }
