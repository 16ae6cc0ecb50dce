// A file of schedules in JSON: a list of them, or one alone. They are taken out of the file one by one, because a whole
// file as a tree would take many times its size.

package http

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"onsale/domain"
	"onsale/http/jsonobject"
)

// maxScheduleSize bounds one schedule's text. Its layout alone may have seats.MaxLayout, without any space in it.
const maxScheduleSize = 1 << 20

// parseJSON calls add with every schedule of the file.
func parseJSON(file []byte, add func(*object) error) error {
	isList := bytes.HasPrefix(bytes.TrimLeft(file, " \t\r\n"), []byte("["))
	decoder := json.NewDecoder(bytes.NewReader(file))
	if isList {
		_, _ = decoder.Token()
	}
	at := "$"
	for i := 0; isList && decoder.More() || !isList && i == 0; i++ {
		if isList {
			at = fmt.Sprintf("[%d]", i)
		}
		var text json.RawMessage
		if err := decoder.Decode(&text); err != nil {
			return jsonProblem(file, at, decoder.InputOffset())
		}
		if err := addJSON(text, add); err != nil {
			p := problemOf(err)
			field := p.Field
			if field == "$" {
				field = at
			} else if isList {
				field = at + "." + field
			}
			return locate(p, field, lineOf(file, decoder.InputOffset()-int64(len(text))))
		}
	}
	if isList {
		if _, err := decoder.Token(); err != nil {
			return jsonProblem(file, "$", decoder.InputOffset())
		}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return locate(fieldProblem(domain.InvalidBody, "$", "something follows the schedules"), "$", lineOf(file, decoder.InputOffset()))
	}
	return nil
}

func addJSON(text []byte, add func(*object) error) error {
	if len(text) > maxScheduleSize {
		return fieldProblem(domain.InvalidBody, "$", "has more than %d KiB", maxScheduleSize>>10)
	}
	o, err := jsonobject.Parse(text)
	if err != nil {
		return err
	}
	return add(o)
}

// jsonProblem is the fault of what begins behind offset.
func jsonProblem(file []byte, field string, offset int64) error {
	start := len(file) - len(bytes.TrimLeft(file[offset:], ", \t\r\n"))
	return locate(fieldProblem(domain.InvalidBody, field, "is not JSON"), field, lineOf(file, int64(start)))
}

// lineOf is the line, from 1, of what stands at offset.
func lineOf(file []byte, offset int64) int {
	return 1 + bytes.Count(file[:offset], []byte("\n"))
}
