// Parsing of streams for readers that must cost less than the server: no scanner, no copy unless a frame is split.

package load

import (
	"bytes"
	"strconv"
)

// Frame is one frame of a stream. Its bytes are valid until the next one is read.
type Frame struct {
	Event    string // "" for none
	ID, Data []byte
}

// IsEvent says that the frame is an event, and no connect or heartbeat frame.
func (f Frame) IsEvent() bool {
	return f.Event != "connect" && f.Event != "heartbeat" && len(f.ID) > 0 && !bytes.Contains(f.Data, heartbeat)
}

// Number is the event number; 0: none.
func (f Frame) Number() uint64 { return eventNumber(f.ID) }

// eventNumber is the n of <epoch>-<n>; 0: none.
func eventNumber(id []byte) uint64 {
	n, _ := strconv.ParseUint(string(id[bytes.LastIndexByte(id, '-')+1:]), 10, 64)
	return n
}

var (
	frameEnd  = []byte("\n\n")
	heartbeat = []byte(`"isHeartbeat":true`)
)

func parseFrame(b []byte) (f Frame) {
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(bytes.TrimSuffix(line, frameEnd[:1]), []byte(": "))
		switch string(name) {
		case "event":
			f.Event = string(value)
		case "id":
			f.ID = value
		case "data":
			f.Data = value
		}
	}
	return f
}

// splitter splits a stream into frames.
type splitter struct{ partial []byte }

// each calls onFrame for every complete frame, and keeps the rest.
func (s *splitter) each(b []byte, onFrame func(Frame)) {
	if len(s.partial) > 0 {
		s.partial = append(s.partial, b...)
		b = s.partial
	}
	for end := bytes.Index(b, frameEnd); end >= 0; end = bytes.Index(b, frameEnd) {
		onFrame(parseFrame(b[:end+1]))
		b = b[end+len(frameEnd):]
	}
	s.partial = append(s.partial[:0], b...)
}

// chunkDecoder decodes a chunked body that arrives in pieces.
type chunkDecoder struct {
	remaining, size int
	hasSize         bool // digits of a size were seen
	done            bool // the last chunk was seen
}

// decode returns the part of b that is body, in place.
func (c *chunkDecoder) decode(b []byte) []byte {
	out := b[:0]
	for len(b) > 0 {
		if c.remaining > 0 {
			n := min(c.remaining, len(b))
			out = append(out, b[:n]...)
			b, c.remaining = b[n:], c.remaining-n
			continue
		}
		switch d := b[0]; {
		case d == '\n': // after a size, or after a chunk
			c.done = c.done || c.hasSize && c.size == 0
			c.remaining, c.size, c.hasSize = c.size, 0, false
		case d >= '0' && d <= '9':
			c.size, c.hasSize = c.size<<4+int(d-'0'), true
		case d >= 'a' && d <= 'f':
			c.size, c.hasSize = c.size<<4+int(d-'a')+10, true
		}
		b = b[1:]
	}
	return out
}
