// The bytes of Server-Sent Events. A frame is written whole or not at all: a browser drops one that has no empty line at
// its end, and does not take over its id.

package sse

import (
	"strconv"
	"time"
)

// frames are those of one event for one audience, one after the other, made once and written by every connection.
type frames struct {
	bytes []byte
	ends  []int // where frame k (from 1) ends, at k-1
}

// count is how many frames these are.
func (f *frames) count() int { return len(f.ends) }

// endFrame notes that a frame ends here.
func (f *frames) endFrame() {
	f.bytes = append(f.bytes, '\n')
	f.ends = append(f.ends, len(f.bytes))
}

// appendField writes "name: value". The value must have no line end; appendData is for what may have some.
func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, '\n')
}

// appendID writes the id field of position p.
func appendID(b []byte, epoch string, p Position) []byte {
	b = append(b, "id: "...)
	b = p.append(b, epoch)
	return append(b, '\n')
}

// appendRetry writes how long a client should wait before it comes back. Browsers take digits only.
func appendRetry(b []byte, wait time.Duration) []byte {
	b = append(b, "retry: "...)
	b = strconv.AppendInt(b, wait.Milliseconds(), 10)
	return append(b, '\n')
}

// appendData writes data, one field for each of its lines. CR, LF and CRLF all end a line for a browser; a bare CR let
// through would let data write fields, an id among them.
func appendData(b, data []byte) []byte {
	b = append(b, "data: "...)
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\r' && i+1 < len(data) && data[i+1] == '\n':
			// The LF that follows ends the line.
		case c == '\r' || c == '\n':
			b = append(b, "\ndata: "...)
		default:
			b = append(b, c)
		}
	}
	return append(b, '\n')
}
