// The envelope around a body, written and read by hand: it has one spelling only (this order, no blanks, no escapes, what
// is empty left out), which makes the bytes of an event a function of the event, and costs half of what encoding/json does.
// It never gains a field: whatever is new goes into the data of a new version.
package streams

import (
	"encoding/json"
	"fmt"
	"strconv"

	"onsale/domain"
)

// envelope is what commands and events have in common, still in text.
type envelope struct {
	name             []byte
	version          int
	entity, user     []byte
	request          domain.RequestID
	fingerprint      domain.Fingerprint
	data             []byte // an object, or nothing for {}
	number, sequence uint64 // events only, as are now and last
	now              []byte
	last             bool
}

// appendHead writes the opening, up to the version.
func appendHead(b []byte, name string, version int) []byte {
	b = append(b, `{"type":"`...)
	b = append(b, name...)
	b = append(b, `","v":`...)
	return strconv.AppendInt(b, int64(version), 10)
}

// appendField writes `,"key":"text"`. The text is a checked id or a time: nothing in it needs an escape.
func appendField[T string | []byte](b []byte, key string, text T) []byte {
	b = append(b, `,"`...)
	b = append(b, key...)
	b = append(b, `":"`...)
	b = append(b, text...)
	return append(b, '"')
}

// appendFingerprint writes 16 hex digits, or nothing for none.
func appendFingerprint(b []byte, f domain.Fingerprint) []byte {
	if f == 0 {
		return b
	}
	var digits [16]byte
	for i := range digits {
		digits[i] = "0123456789abcdef"[f>>(60-4*i)&15]
	}
	return appendField(b, "fp", digits[:])
}

// appendData closes the envelope with the body.
func appendData(b []byte, body domain.Body) ([]byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if string(data) != "{}" {
		b = append(b, `,"data":`...)
		b = append(b, data...)
	}
	return append(b, '}'), nil
}

// parseCommand takes a line of COMMANDS apart; false is a line that is no envelope.
func parseCommand(line []byte) (e envelope, ok bool) {
	s := scanner{rest: line}
	s.head(&e)
	e.entity, _ = s.field("entity")
	s.requestID(&e)
	e.user, _ = s.field("user")
	s.fingerprint(&e)
	s.end(&e)
	return e, !s.bad && len(e.entity) > 0
}

// parseEvent takes the payload of an event apart.
func parseEvent(payload []byte) (e envelope, ok bool) {
	s := scanner{rest: payload}
	s.head(&e)
	s.literal(`,"n":`)
	e.number = s.integer()
	s.literal(`,"seq":`)
	e.sequence = s.integer()
	e.now, _ = s.field("now")
	e.entity, _ = s.field("entity")
	e.user, _ = s.field("user")
	s.requestID(&e)
	s.fingerprint(&e)
	e.last = s.has(`,"last":true`)
	s.end(&e)
	return e, !s.bad && len(e.entity) > 0
}

func (e *envelope) String() string { return fmt.Sprintf("%s.v%d", e.name, e.version) }
