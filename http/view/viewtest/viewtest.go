// Package viewtest is for tests of what clients see: it reads streams as a browser does, and runs transcripts.
package viewtest

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Event is what a browser passes to the page.
type Event struct {
	Event string // "": the frame had no name
	Data  string
	ID    string // the last event id at that point
}

// Browser reads a stream as the HTML standard says ("9.2.6 Interpreting an event stream"), byte by byte, and shares no code
// with what writes it. An event is dispatched at a blank line, and its id counts only then.
type Browser struct {
	// Eager reads as eventsource 2 and fetch-event-source (npm), go-sse, r3labs and others do: an id counts when its line
	// arrives, and every blank line is an event.
	Eager bool

	started  bool // the first line was read
	cr       bool // the last byte was CR: an LF now belongs to it
	line     []byte
	data     []string
	event    string
	id       string // buffer
	LastID   string // committed
	Retry    time.Duration
	Retries  int
	Comments int
	Events   []Event
}

// Write reads more of the stream.
func (p *Browser) Write(b []byte) (int, error) {
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

func (p *Browser) parseLine(line string) {
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
			if p.Eager {
				p.LastID = value
			}
		}
	case "retry":
		if ms, err := strconv.ParseUint(value, 10, 32); err == nil && !strings.ContainsAny(value, "+") {
			p.Retry = time.Duration(ms) * time.Millisecond
			p.Retries++
		}
	}
}

// dispatch follows the stricter of two browsers: without data the id is not taken over (Firefox).
func (p *Browser) dispatch() {
	if p.data != nil || p.Eager {
		p.LastID = p.id
		p.Events = append(p.Events, Event{p.event, strings.Join(p.data, "\n"), p.LastID})
	}
	p.data, p.event, p.id = nil, "", p.LastID
}

// Parse reads a whole stream.
func Parse(s string) *Browser {
	p := &Browser{}
	_, _ = p.Write([]byte(s))
	return p
}

// Complete reports whether the stream ended between two frames.
func (p *Browser) Complete() bool { return p.event == "" && p.data == nil && len(p.line) == 0 }

// Resume begins another connection after the event with this id. What was incomplete is dropped.
func (p *Browser) Resume(id string) {
	p.LastID, p.id, p.event, p.data = id, id, "", nil
	p.line, p.started, p.cr = p.line[:0], false, false
}

var rewrite = flag.Bool("rewrite", false, "write the results into testdata; review what changed before you commit it")

// Transcript runs the commands of a file in testdata, which begin with "> ", and compares the result of each with the lines
// below it.
func Transcript(t *testing.T, file string, run func(command string) string) {
	t.Helper()
	file = "testdata/" + file
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	want := map[int]string{}
	var commands []string
	for line := range strings.Lines(string(text)) {
		switch command, ok := strings.CutPrefix(line, "> "); {
		case ok:
			commands = append(commands, strings.TrimSuffix(command, "\n"))
		case len(commands) == 0:
			out.WriteString(line) // the heading
		default:
			want[len(commands)-1] += line
		}
	}
	for i, command := range commands {
		got := strings.TrimRight(run(command), "\n") + "\n"
		if wanted := strings.TrimRight(want[i], "\n") + "\n"; got != wanted && !*rewrite {
			t.Errorf("%s\n> %s\ngot:\n%s\nwant:\n%s", file, command, got, wanted)
		}
		out.WriteString("> " + command + "\n" + got + "\n")
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
