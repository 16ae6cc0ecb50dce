// The text format of Server-Sent Events. A frame is written whole or not at all: a browser drops one that has no empty
// line at its end, and does not take over its id.

package view

import (
	"strconv"
	"time"
)

// Frames are the frames of one event for one audience, encoded once and written by every connection.
type Frames struct {
	Bytes []byte
	Ends  []int // the offset behind each frame
}

// Frame is frame k, counted from 0.
func (f *Frames) Frame(k int) []byte {
	start := 0
	if k > 0 {
		start = f.Ends[k-1]
	}
	return f.Bytes[start:f.Ends[k]]
}

// endFrame ends the frame under way.
func (f *Frames) endFrame() {
	f.Bytes = append(f.Bytes, '\n')
	f.Ends = append(f.Ends, len(f.Bytes))
}

// AppendField writes "name: value". The value must not have a line end; AppendData is for values that may have some.
func AppendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, '\n')
}

// AppendID writes the id field of position p.
func AppendID(b []byte, epoch string, p Position) []byte {
	b = append(b, "id: "...)
	b = p.append(b, epoch)
	return append(b, '\n')
}

// AppendRetry writes how long a client waits before it reconnects. Browsers accept digits only.
func AppendRetry(b []byte, delay time.Duration) []byte {
	b = append(b, "retry: "...)
	b = strconv.AppendInt(b, delay.Milliseconds(), 10)
	return append(b, '\n')
}

// AppendData writes data, one field for each of its lines. CR, LF and CRLF all end a line for a browser; a bare CR that
// got through could make data look like fields, an id among them.
func AppendData(b, data []byte) []byte {
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
