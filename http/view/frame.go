// The text format of Server-Sent Events. A browser drops a frame whose blank line is missing, and does not take over its id. Some
// other clients take an id over when its line arrives, so it is the last field of every frame: a client that has the id has the
// event. "If the file ends in the middle of an event, before the final empty line, the incomplete event is not dispatched"
// (HTML, 9.2.6), and for them the id must be lost with it.

package view

import (
	"strconv"
	"strings"
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

// end ends the frame under way, whose id is p.
func (f *Frames) end(epoch string, p Position) {
	f.Bytes = AppendEnd(f.Bytes, epoch, p)
	f.Ends = append(f.Ends, len(f.Bytes))
}

// AppendField writes "name: value". The value must not have a line end; AppendData is for values that may have some.
func AppendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, '\n')
}

// AppendEnd ends a frame: its last field, the id of position p, and the blank line.
func AppendEnd(b []byte, epoch string, p Position) []byte {
	b = append(b, "id: "...)
	b = p.append(b, epoch)
	return append(b, "\n\n"...)
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

// Position is a point between two frames of a stream. As an id, `<epoch>-<n>` means that everything up to and with event n
// was seen, `<epoch>-<n>.<k>` everything before event n and the first k of its frames. The epoch identifies the log in which
// the numbers count.
type Position struct {
	Number uint64
	Sub    uint32 // 0: all frames of event Number were seen; k: its first k frames
}

const epochLength = 8

// ParsePosition parses an id. It is false for what no stream can have sent; an id of another epoch is valid.
func ParsePosition(id string) (epoch string, p Position, ok bool) {
	if len(id) < epochLength+2 || id[epochLength] != '-' {
		return "", Position{}, false
	}
	epoch = id[:epochLength]
	if strings.Trim(epoch, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return "", Position{}, false
	}
	number, sub, hasSub := strings.Cut(id[epochLength+1:], ".")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return "", Position{}, false
	}
	if !hasSub {
		return epoch, Position{Number: n}, true
	}
	k, err := strconv.ParseUint(sub, 10, 32)
	if err != nil || k == 0 || n == 0 { // frames are counted from 1, and there is no event 0
		return "", Position{}, false
	}
	return epoch, Position{Number: n, Sub: uint32(k)}, true
}

// ID is the position as clients see it.
func (p Position) ID(epoch string) string { return string(p.append(nil, epoch)) }

func (p Position) append(b []byte, epoch string) []byte {
	b = append(b, epoch...)
	b = append(b, '-')
	b = strconv.AppendUint(b, p.Number, 10)
	if p.Sub != 0 {
		b = append(b, '.')
		b = strconv.AppendUint(b, uint64(p.Sub), 10)
	}
	return b
}

// Seen is the number of the last event of which every frame was seen.
func (p Position) Seen() uint64 {
	if p.Sub != 0 {
		return p.Number - 1
	}
	return p.Number
}
