// Package schedulefile reads files of schedules, JSON and CSV, as the same JSON objects, one schedule at a time. It knows
// in which line of the file each field is; what the fields mean is the caller's business.
package schedulefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"onsale/http/jsonobject"
)

// Schedule is one schedule of a file.
type Schedule struct {
	*jsonobject.Object

	// Locate returns the name that the file has for a field of the object, and its line, from 1.
	Locate func(field string) (name string, line int)
}

// Error is a file that cannot be read. Line is 0 when the error is about the whole file.
type Error struct {
	Field, Problem string
	Line           int
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s: %s", e.Line, e.Field, e.Problem) }

// maxSchedule bounds one schedule's JSON: without whitespace, its layout alone may have seats.MaxLayout.
const maxSchedule = 1 << 20

// JSON reads a list of schedules, or a single one. It parses them one by one, because a whole file as a tree would take
// many times its size. After an error there is nothing more.
func JSON(file []byte) iter.Seq2[Schedule, error] { return sequence(file, eachJSON) }

// sequence is what each passes on, and then its error.
func sequence(file []byte, each func(file []byte, yield func(Schedule) bool) error) iter.Seq2[Schedule, error] {
	return func(yield func(Schedule, error) bool) {
		if err := each(bytes.TrimPrefix(file, []byte(jsonobject.ByteOrderMark)), func(s Schedule) bool { return yield(s, nil) }); err != nil {
			yield(Schedule{}, err)
		}
	}
}

func eachJSON(file []byte, yield func(Schedule) bool) error {
	decoder := json.NewDecoder(bytes.NewReader(file))
	isList := bytes.HasPrefix(bytes.TrimLeft(file, " \t\r\n"), []byte("["))
	if isList {
		_, _ = decoder.Token()
	}
	path := jsonobject.Root
	for i := 0; isList && decoder.More() || !isList && i == 0; i++ {
		if isList {
			path = fmt.Sprintf("[%d]", i)
		}
		var text json.RawMessage
		if err := decoder.Decode(&text); err != nil {
			return notJSON(file, path, decoder.InputOffset())
		}
		s, err := parseSchedule(text, path, lineAt(file, decoder.InputOffset()-int64(len(text))))
		if err != nil {
			return err
		}
		if !yield(s) {
			return nil
		}
	}
	if isList {
		if _, err := decoder.Token(); err != nil {
			return notJSON(file, jsonobject.Root, decoder.InputOffset())
		}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return &Error{jsonobject.Root, "something follows the schedules", lineAt(file, decoder.InputOffset())}
	}
	return nil
}

// parseSchedule parses the schedule that begins at a line. Its errors name the line, too: where in a schedule a field is,
// the parser does not know.
func parseSchedule(text []byte, path string, line int) (Schedule, error) {
	locate := func(field string) (string, int) {
		switch {
		case field == jsonobject.Root:
			return path, line
		case path == jsonobject.Root:
			return field, line
		}
		return path + "." + field, line
	}
	if len(text) > maxSchedule {
		return Schedule{}, &Error{path, fmt.Sprintf("has more than %d KiB", maxSchedule>>10), line}
	}
	object, err := jsonobject.Parse(text)
	if invalid, ok := errors.AsType[*jsonobject.Error](err); ok {
		field, line := locate(invalid.Field)
		return Schedule{}, &Error{field, invalid.Problem, line}
	}
	return Schedule{object, locate}, err
}

// notJSON is the error of what begins behind offset.
func notJSON(file []byte, field string, offset int64) error {
	start := len(file) - len(bytes.TrimLeft(file[offset:], ", \t\r\n"))
	return &Error{field, "is not JSON", lineAt(file, int64(start))}
}

func lineAt(file []byte, offset int64) int { return 1 + bytes.Count(file[:offset], []byte("\n")) }
