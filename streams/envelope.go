// The envelope around a body, encoded and parsed by hand. It has exactly one spelling (this order, no blanks, no escapes, empty
// fields left out), so the bytes of an event are a function of the event, at half the cost of encoding/json. The envelope never
// gains a field: new fields go into the data of a new version.

package streams

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"onsale/domain"
)

// envelope holds the fields of a command or an event, most of them still as text.
type envelope struct {
	name             []byte
	version          int
	entity, user     []byte
	request          domain.RequestID
	fingerprint      domain.Fingerprint
	data             []byte // an object, or empty for {}
	number, sequence uint64 // events only, like now and last
	now              []byte
	last             bool
}

// appendHead writes the beginning up to the version.
func appendHead(b []byte, name string, version int) []byte {
	b = append(b, `{"type":"`...)
	b = append(b, name...)
	b = append(b, `","v":`...)
	return strconv.AppendInt(b, int64(version), 10)
}

// appendField writes `,"key":"text"`. The text is a checked id or a time and needs no escape.
func appendField[T string | []byte](b []byte, key string, text T) []byte {
	b = append(b, `,"`...)
	b = append(b, key...)
	b = append(b, `":"`...)
	b = append(b, text...)
	return append(b, '"')
}

// appendFingerprint writes 16 hex digits, or nothing if there is no fingerprint.
func appendFingerprint(b []byte, f domain.Fingerprint) []byte {
	if f == 0 {
		return b
	}
	b = append(b, `,"fp":"`...)
	b = hex.AppendEncode(b, binary.BigEndian.AppendUint64(nil, uint64(f)))
	return append(b, '"')
}

// appendData writes the body and closes the envelope.
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

// parseCommand parses a line of COMMANDS; ok is false if the line is no envelope.
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

// parseEvent parses the payload of an event.
func parseEvent(payload []byte) (e envelope, ok bool) {
	s := scanner{rest: payload}
	s.head(&e)
	s.expect(`,"n":`)
	e.number = s.integer()
	s.expect(`,"seq":`)
	e.sequence = s.integer()
	e.now, _ = s.field("now")
	e.entity, _ = s.field("entity")
	e.user, _ = s.field("user")
	s.requestID(&e)
	s.fingerprint(&e)
	e.last = s.accept(`,"last":true`)
	s.end(&e)
	return e, !s.bad && len(e.entity) > 0
}

func (e *envelope) String() string { return fmt.Sprintf("%s.v%d", e.name, e.version) }

// scanner parses an envelope without copying. After the first fault, bad stays set.
type scanner struct {
	rest []byte
	bad  bool
}

// accept consumes text if the rest begins with it.
func (s *scanner) accept(text string) bool {
	if len(s.rest) < len(text) || string(s.rest[:len(text)]) != text {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

func (s *scanner) expect(text string) { s.bad = !s.accept(text) || s.bad }

// text consumes up to the next quote. Escapes and control characters are not allowed.
func (s *scanner) text() []byte {
	end := bytes.IndexByte(s.rest, '"')
	if end < 0 {
		s.bad = true
		return nil
	}
	text := s.rest[:end]
	for _, c := range text {
		s.bad = s.bad || c < ' ' || c > '~' || c == '\\'
	}
	s.rest = s.rest[end+1:]
	return text
}

// integer consumes digits without a leading zero.
func (s *scanner) integer() uint64 {
	n := 0
	for n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9' {
		n++
	}
	value, err := strconv.ParseUint(string(s.rest[:n]), 10, 64)
	s.bad = s.bad || err != nil || n > 1 && s.rest[0] == '0'
	s.rest = s.rest[n:]
	return value
}

func (s *scanner) head(e *envelope) {
	s.expect(`{"type":"`)
	e.name = s.text()
	s.expect(`,"v":`)
	version := s.integer()
	e.version = int(version)
	kind, verb, _ := bytes.Cut(e.name, []byte{'.'})
	s.bad = s.bad || version == 0 || version > 1_000_000 || len(kind) == 0 || len(verb) == 0 || len(e.name) > 48
}

// field consumes `,"key":"text"` if it is there; the text must not be empty.
func (s *scanner) field(key string) (text []byte, ok bool) {
	rest := s.rest
	if !s.accept(`,"`) || !s.accept(key) || !s.accept(`":"`) {
		s.rest = rest
		return nil, false
	}
	text = s.text()
	s.bad = s.bad || len(text) == 0
	return text, true
}

func (s *scanner) requestID(e *envelope) {
	if text, ok := s.field("request"); ok {
		id, err := domain.ParseRequestID(string(text))
		s.bad = s.bad || err != nil
		e.request = id
	}
}

func (s *scanner) fingerprint(e *envelope) {
	if text, ok := s.field("fp"); ok {
		value, err := strconv.ParseUint(string(text), 16, 64)
		s.bad = s.bad || err != nil || len(text) != 16
		e.fingerprint = domain.Fingerprint(value)
	}
}

// end consumes the data and the closing brace. Whether the data is an object is left to its decoder.
func (s *scanner) end(e *envelope) {
	if s.accept(`,"data":`) {
		closing := max(0, len(s.rest)-1)
		e.data, s.rest = s.rest[:closing], s.rest[closing:]
		s.bad = s.bad || len(e.data) == 0 || e.data[0] != '{'
	}
	s.bad = s.bad || string(s.rest) != "}"
}
