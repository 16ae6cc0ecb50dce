// As much of HTTP/1.1 and of event streams as the answers of these servers need.

package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

var errIncomplete = errors.New("the response is incomplete")

// parseResponse parses the response that b begins with.
func parseResponse(b []byte) (status int, body []byte, err error) {
	head, rest, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return 0, nil, errIncomplete
	}
	if len(head) < len("HTTP/1.1 200") || !bytes.HasPrefix(head, []byte("HTTP/1.1 ")) {
		return 0, nil, fmt.Errorf("the response is not HTTP/1.1: %.40q", head)
	}
	if status, err = strconv.Atoi(string(head[9:12])); err != nil {
		return 0, nil, fmt.Errorf("a response has the status %q", head[9:12])
	}
	if value := header(head, "content-length"); value != nil {
		length, err := strconv.Atoi(string(value))
		switch {
		case err != nil || length < 0:
			return 0, nil, fmt.Errorf("a response has the length %q", value)
		case len(rest) < length:
			return 0, nil, errIncomplete
		}
		return status, rest[:length], nil
	}
	if isChunked(head) {
		var d chunkDecoder
		body, err := d.decode(nil, rest)
		if err == nil && !d.done {
			err = errIncomplete
		}
		return status, body, err
	}
	return status, nil, nil
}

func isChunked(head []byte) bool {
	return bytes.EqualFold(header(head, "transfer-encoding"), []byte("chunked"))
}

// header is the value of a header, whose name is given in lower case; nil: there is none.
func header(head []byte, name string) []byte {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return bytes.TrimSpace(line[len(name)+1:])
		}
	}
	return nil
}

// chunkDecoder decodes a chunked body that arrives in pieces.
type chunkDecoder struct {
	done  bool // the last chunk was seen
	state byte // of the constants below
	left  int  // bytes of the chunk that have not come yet
	line  []byte
}

const (
	inSize = iota
	inChunk
	inChunkEnd
	inTrailer
)

// decode appends the part of in that is body to out.
func (d *chunkDecoder) decode(out, in []byte) ([]byte, error) {
	for len(in) > 0 && !d.done {
		if d.state == inChunk {
			n := min(d.left, len(in))
			out, in = append(out, in[:n]...), in[n:]
			if d.left -= n; d.left == 0 {
				d.state = inChunkEnd
			}
			continue
		}
		end := bytes.IndexByte(in, '\n')
		if end < 0 {
			d.line = append(d.line, in...)
			return out, nil
		}
		line := bytes.TrimSpace(append(d.line, in[:end]...))
		in, d.line = in[end+1:], d.line[:0]
		switch d.state {
		case inSize:
			text, _, _ := bytes.Cut(line, []byte(";"))
			size, err := strconv.ParseUint(string(text), 16, 31)
			if err != nil {
				return out, fmt.Errorf("a chunk has the size %q", text)
			}
			if d.left, d.state = int(size), inChunk; size == 0 {
				d.state = inTrailer
			}
		case inChunkEnd:
			d.state = inSize
		case inTrailer:
			d.done = len(line) == 0
		}
	}
	return out, nil
}

// frameParser parses an event stream, from its status line on.
type frameParser struct {
	head    []byte // until inBody
	inBody  bool
	chunked bool
	chunks  chunkDecoder
	decoded []byte // reused
	partial []byte // what has come of a line
	event   []byte
	data    []byte
}

// parse calls onFrame for every frame that b completes.
func (p *frameParser) parse(b []byte, onFrame func(event, data []byte)) error {
	if !p.inBody {
		p.head = append(p.head, b...)
		head, rest, ok := bytes.Cut(p.head, []byte("\r\n\r\n"))
		if !ok {
			return nil
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("a stream is answered %.100q", head)
		}
		p.inBody, p.chunked = true, isChunked(head)
		b = rest
	}
	if p.chunked {
		var err error
		if p.decoded, err = p.chunks.decode(p.decoded[:0], b); err != nil {
			return err
		}
		b = p.decoded
	}
	p.partial = append(p.partial, b...)
	rest := p.partial
	for end := bytes.IndexByte(rest, '\n'); end >= 0; end = bytes.IndexByte(rest, '\n') {
		p.line(bytes.TrimSuffix(rest[:end], []byte("\r")), onFrame)
		rest = rest[end+1:]
	}
	p.partial = append(p.partial[:0], rest...)
	if p.chunks.done {
		return errors.New("the server ended a stream")
	}
	return nil
}

func (p *frameParser) line(line []byte, onFrame func(event, data []byte)) {
	if len(line) == 0 {
		if len(p.event) > 0 || len(p.data) > 0 {
			onFrame(p.event, p.data)
		}
		p.event, p.data = p.event[:0], p.data[:0]
		return
	}
	if text, ok := bytes.CutPrefix(line, []byte("event:")); ok {
		p.event = append(p.event[:0], bytes.TrimPrefix(text, []byte(" "))...)
	} else if text, ok := bytes.CutPrefix(line, []byte("data:")); ok {
		p.data = append(p.data, bytes.TrimPrefix(text, []byte(" "))...)
	}
}
