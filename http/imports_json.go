// A file of schedules in JSON: a list of them, or one alone. They are taken out of the file one by one, because a whole
// file as a tree would take many times its size.
package http

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"onsale/domain"
)

// maxSchedule bounds one schedule's text. Its layout alone may have seats.MaxLayout, without any space in it.
const maxSchedule = 1 << 20

// inJSON calls add with every schedule of the file.
func inJSON(file []byte, add func(*object) error) error {
	many := bytes.HasPrefix(bytes.TrimLeft(file, " \t\r\n"), []byte("["))
	decoder := json.NewDecoder(bytes.NewReader(file))
	if many {
		_, _ = decoder.Token()
	}
	at := "$"
	for i := 0; many && decoder.More() || !many && i == 0; i++ {
		if many {
			at = fmt.Sprintf("[%d]", i)
		}
		var text json.RawMessage
		if err := decoder.Decode(&text); err != nil {
			return notJSON(file, at, decoder.InputOffset())
		}
		if err := addText(text, add); err != nil {
			p := problemOf(err)
			field := p.Field
			if field == "$" {
				field = at
			} else if many {
				field = at + "." + field
			}
			return inFile(p, field, lineOf(file, decoder.InputOffset()-int64(len(text))))
		}
	}
	if many {
		if _, err := decoder.Token(); err != nil {
			return notJSON(file, "$", decoder.InputOffset())
		}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return inFile(refuseField(domain.InvalidBody, "$", "something follows the schedules"), "$", lineOf(file, decoder.InputOffset()))
	}
	return nil
}

func addText(text []byte, add func(*object) error) error {
	if len(text) > maxSchedule {
		return refuseField(domain.InvalidBody, "$", "has more than %d KiB", maxSchedule>>10)
	}
	o, err := parseBody(text)
	if err != nil {
		return err
	}
	return add(o)
}

// notJSON is the fault of what begins behind offset.
func notJSON(file []byte, field string, offset int64) error {
	space := len(file) - len(bytes.TrimLeft(file[offset:], ", \t\r\n"))
	return inFile(refuseField(domain.InvalidBody, field, "is not JSON"), field, lineOf(file, int64(space)))
}

// lineOf is the line, from 1, of what stands at offset.
func lineOf(file []byte, offset int64) int {
	return 1 + bytes.Count(file[:offset], []byte("\n"))
}
