// Where a test plays the node for a page, frame by frame.

package main

import (
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// stage serves onsale.js, and at /events whatever it is told to.
type stage struct {
	*httptest.Server
	tb    testing.TB
	lines chan *line
}

// line is one stream.
type line struct {
	tb     testing.TB
	from   string // the last id that its reader has
	frames chan string
	gone   <-chan struct{}
}

func newStage(tb testing.TB) *stage {
	tb.Helper()
	s := &stage{tb: tb, lines: make(chan *line)}
	plays := http.NewServeMux()
	plays.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	plays.HandleFunc("/onsale.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "../../http/web/onsale.js") })
	plays.HandleFunc("/events", s.events)
	s.Server = httptest.NewServer(plays)
	tb.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *stage) events(w http.ResponseWriter, r *http.Request) {
	l := &line{
		tb: s.tb, from: cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("lastEventId")),
		frames: make(chan string), gone: r.Context().Done(),
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_ = http.NewResponseController(w).Flush()
	select {
	case s.lines <- l:
	case <-l.gone:
		return
	}
	for {
		select {
		case frames, more := <-l.frames:
			if !more {
				return
			}
			_, _ = io.WriteString(w, frames)
			_ = http.NewResponseController(w).Flush()
		case <-l.gone:
			return
		}
	}
}

// next is the stream that is opened next, which must go on from an id.
func (s *stage) next(from string) *line {
	s.tb.Helper()
	select {
	case l := <-s.lines:
		if l.from != from {
			s.tb.Fatalf("a stream goes on from %q, want %q", l.from, from)
		}
		return l
	case <-time.After(20 * time.Second):
		s.tb.Fatalf("no stream goes on from %q", from)
		return nil
	}
}

// say writes frames, whole.
func (l *line) say(frames string) {
	l.tb.Helper()
	select {
	case l.frames <- frames:
	case <-l.gone:
		l.tb.Fatal("nobody listens any more")
	}
}

func (l *line) end() { close(l.frames) }
