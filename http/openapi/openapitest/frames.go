// Frames of event streams, and responses that are lines.

package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Frame is a frame of an event stream.
type Frame struct{ Event, Data, ID, Retry string }

// CheckFrame compares a frame with those of the stream at path.
func (d *Document) CheckFrame(path string, f Frame) error {
	template, item := d.find("get", path)
	if item == nil || !isStream(item["get"].(object)) {
		return fmt.Errorf("%s is no stream", path)
	}
	frame := object{"data": f.Data}
	if f.Event != "" {
		frame["event"] = f.Event
	}
	if f.ID != "" {
		frame["id"] = f.ID
	}
	if f.Retry != "" {
		frame["retry"] = json.Number(f.Retry)
	}
	text, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	where := pointer("paths", template, "get", "responses", "200", "content", "text/event-stream", "itemSchema")
	if err := d.validate(where, text); err != nil {
		return fmt.Errorf("%s: %w", template, err)
	}
	return nil
}

// checkLines checks each line of a response of lines.
func (d *Document) checkLines(at string, body []byte) error {
	for line := range bytes.Lines(body) {
		if err := d.validate(at+"/itemSchema", line); err != nil {
			return err
		}
	}
	return nil
}

// CheckLine compares a line of the stream at path, as it is in this media type.
func (d *Document) CheckLine(path, media, line string) error {
	template, _ := d.find("get", path)
	return d.checkLines(pointer("paths", template, "get", "responses", "200", "content", media), []byte(line))
}
