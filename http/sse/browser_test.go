package sse

import (
	"strconv"
	"strings"
	"time"
)

// receivedEvent is what a browser hands to the page.
type receivedEvent struct {
	Event string // "" was unnamed
	Data  string
	ID    string // the last event id at that moment
}

// browser reads a stream as the HTML standard says ("9.2.6 Interpreting an event stream"), byte by byte and with nothing
// shared with the code that writes it. The id of an event counts only when the event was whole.
type browser struct {
	started  bool
	cr       bool // the last byte was CR: an LF now belongs to it
	line     []byte
	data     []string
	event    string
	id       string // buffer
	LastID   string // committed
	Retry    time.Duration
	Retries  int
	Comments int
	Events   []receivedEvent
}

func (p *browser) Write(b []byte) (int, error) {
	for _, c := range b {
		if p.cr && c == '\n' {
			p.cr = false
			continue
		}
		p.cr = c == '\r'
		if c != '\r' && c != '\n' {
			p.line = append(p.line, c)
			continue
		}
		line := string(p.line)
		p.line = p.line[:0]
		if !p.started {
			p.started = true
			line = strings.TrimPrefix(line, "\ufeff")
		}
		p.parseLine(line)
	}
	return len(b), nil
}

func (p *browser) parseLine(line string) {
	if line == "" {
		p.dispatch()
		return
	}
	name, value, colon := strings.Cut(line, ":")
	if colon && name == "" {
		p.Comments++
		return
	}
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "event":
		p.event = value
	case "data":
		p.data = append(p.data, value)
	case "id":
		if !strings.Contains(value, "\x00") {
			p.id = value
		}
	case "retry":
		if ms, err := strconv.ParseUint(value, 10, 32); err == nil && !strings.ContainsAny(value, "+") {
			p.Retry = time.Duration(ms) * time.Millisecond
			p.Retries++
		}
	}
}

// dispatch follows the stricter of two browsers: without data the id is not taken over (Firefox).
func (p *browser) dispatch() {
	if p.data != nil {
		p.LastID = p.id
		p.Events = append(p.Events, receivedEvent{p.event, strings.Join(p.data, "\n"), p.LastID})
	}
	p.data, p.event, p.id = nil, "", p.LastID
}

func parse(s string) *browser {
	p := &browser{}
	_, _ = p.Write([]byte(s))
	return p
}
