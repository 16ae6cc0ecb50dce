package browser

import (
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// scriptedServer serves onsale.js, and at /events the frames that a test writes.
type scriptedServer struct {
	*httptest.Server
	tb      testing.TB
	streams chan *scriptedStream
}

// scriptedStream is one stream.
type scriptedStream struct {
	tb          testing.TB
	lastEventID string // from which the reader resumes
	ticket      string // that it shows
	frames      chan string
	gone        <-chan struct{}
}

func newScriptedServer(tb testing.TB) *scriptedServer {
	tb.Helper()
	s := &scriptedServer{tb: tb, streams: make(chan *scriptedStream)}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/onsale.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "../../../../http/web/onsale.js") })
	mux.HandleFunc("/events", s.events)
	s.Server = httptest.NewServer(mux)
	tb.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *scriptedServer) events(w http.ResponseWriter, r *http.Request) {
	l := &scriptedStream{
		tb: s.tb, lastEventID: cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("lastEventId")),
		ticket: r.URL.Query().Get("ticket"),
		frames: make(chan string), gone: r.Context().Done(),
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_ = http.NewResponseController(w).Flush()
	select {
	case s.streams <- l:
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

// nextStream waits for the next stream, which must resume from an id.
func (s *scriptedServer) nextStream(from string) *scriptedStream {
	s.tb.Helper()
	select {
	case l := <-s.streams:
		if l.lastEventID != from {
			s.tb.Fatalf("a stream resumes from %q, want %q", l.lastEventID, from)
		}
		return l
	case <-time.After(waitTimeout):
		s.tb.Fatalf("no stream resumes from %q", from)
		return nil
	}
}

// write sends frames.
func (l *scriptedStream) write(frames string) {
	l.tb.Helper()
	select {
	case l.frames <- frames:
	case <-l.gone:
		l.tb.Fatal("the stream is closed")
	}
}

func (l *scriptedStream) end() { close(l.frames) }
