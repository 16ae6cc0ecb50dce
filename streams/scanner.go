// Taking an envelope apart, byte by byte and without a copy.
package streams

import (
	"bytes"
	"strconv"

	"onsale/domain"
)

// scanner goes over an envelope; once something is not as it must be, bad stays set.
type scanner struct {
	rest []byte
	bad  bool
}

// has takes text off the front if it is there.
func (s *scanner) has(text string) bool {
	if len(s.rest) < len(text) || string(s.rest[:len(text)]) != text {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

func (s *scanner) literal(text string) { s.bad = !s.has(text) || s.bad }

// text takes what stands before the next quote. An escape or a control character is not allowed.
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

// integer takes digits without a leading zero.
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
	s.literal(`{"type":"`)
	e.name = s.text()
	s.literal(`,"v":`)
	version := s.integer()
	e.version = int(version)
	kind, verb, _ := bytes.Cut(e.name, []byte{'.'})
	s.bad = s.bad || version == 0 || version > 1_000_000 || len(kind) == 0 || len(verb) == 0 || len(e.name) > 48
}

// field takes `,"key":"text"` if it is there; it never holds an empty text.
func (s *scanner) field(key string) (text []byte, ok bool) {
	rest := s.rest
	if !s.has(`,"`) || !s.has(key) || !s.has(`":"`) {
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

// end takes the data and the closing brace. Only the data's decoder can tell whether it is an object.
func (s *scanner) end(e *envelope) {
	if s.has(`,"data":`) {
		closing := max(0, len(s.rest)-1)
		e.data, s.rest = s.rest[:closing], s.rest[closing:]
		s.bad = s.bad || len(e.data) == 0 || e.data[0] != '{'
	}
	s.bad = s.bad || string(s.rest) != "}"
}
