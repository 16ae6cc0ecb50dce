package sse

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/http/view/viewtest"
)

// What a client sends after its request, before and after its connection is hijacked, is ignored.
func TestHijack_IgnoresPipelinedInput(t *testing.T) {
	f := newFixture(t, Config{})
	s := f.serveTCP(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	more := "GET /users/2 HTTP/1.1\r\nHost: x\r\n\r\n" + strings.Repeat("x", 1000) // less than what ends a connection
	st, err := openStream(&pipeliningConn{c, more}, "/users/1", "")
	if err != nil {
		t.Fatal(err)
	}
	st.expectConnect(t, "fresh", epoch+"-0")
	for n := range 20 {
		if _, err := io.WriteString(c, more); err != nil {
			t.Fatal(err)
		}
		f.emit(issued("2"), issued("1"))
		if e := st.mustNext(t); e.Event != "issue-complete" || e.ID != fmt.Sprintf("%s-%d", epoch, 2*n+2) {
			t.Fatalf("got %+v", e)
		}
	}
	if got := f.hub.stats(); got.users != 1 || got.fresh != 1 {
		t.Errorf("stats %+v", got)
	}
	_ = c.Close()
	f.waitFor(t, "the client is gone", func(s stats) bool { return s.users == 0 })
}

// pipeliningConn sends more with each write.
type pipeliningConn struct {
	net.Conn
	more string
}

func (c *pipeliningConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(slices.Concat(b, []byte(c.more)))
	return min(n, len(b)), err
}

// wrappedListener is a listener with connections of its own type.
type wrappedListener struct{ net.Listener }

type wrappedConn struct{ net.Conn }

func (l wrappedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return wrappedConn{c}, err
}

// A connection that is not a TCP connection of the runtime is served by a goroutine: heartbeats, a client that resumes, one
// stream too many, the end.
func TestHijack_FallsBackForWrappedConn(t *testing.T) {
	var log logBuffer
	debug := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f := newFixture(t, Config{UserHeartbeat: 200 * time.Millisecond, MaxPerUser: 1, Logger: debug})
	s := httptest.NewUnstartedServer(f.handler())
	s.Listener = wrappedListener{s.Listener}
	s.Start()
	defer s.Close()
	st := dial(t, s, "/users/1", "")
	st.expectConnect(t, "fresh", epoch+"-0")
	if st.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("got %v", st.header)
	}
	if e := st.mustNext(t); e.Event != "heartbeat" || e.ID != epoch+"-0" {
		t.Errorf("got %+v", e)
	}
	if n := log.count("connection is served by a goroutine"); n != 1 {
		t.Errorf("%d streams kept their handler, want 1", n)
	}

	rejected := dial(t, s, "/users/1", epoch+"-0")
	if rest, err := io.ReadAll(rejected.body); err != nil || !regexp.MustCompile(`^retry: [2-5]\d{3}\n$`).Match(rest) {
		t.Errorf("a rejected stream reads %q %v", rest, err)
	}
	_ = rejected.Close()
	_ = st.Close()
	f.waitFor(t, "a heartbeat detects that the client is gone", func(s stats) bool { return s.users == 0 })

	f.emit(issued("1"))
	st = dial(t, s, "/users/1", epoch+"-0")
	defer st.Close()
	st.expectConnect(t, "complete", epoch+"-0")
	if e := st.mustNext(t); e.Event != "issue-complete" || e.ID != epoch+"-1" {
		t.Errorf("got %+v", e)
	}
	if err := f.hub.Drain(t.Context(), time.Second); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(st.body); err != nil || !regexp.MustCompile(`retry: [2-5]\d{3}\n$`).Match(rest) {
		t.Errorf("the end is %q %v", rest, err)
	}
}

// With a wrapper around the ResponseWriter that has neither Flush nor Unwrap, no stream can be served. That is logged once,
// not for each stream.
func TestHandler_LogsMissingFlushOnce(t *testing.T) {
	var log logBuffer
	f := newFixture(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	inner := f.handler()
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(struct{ http.ResponseWriter }{rw}, r)
	}))
	defer s.Close()
	for range 3 {
		r, err := s.Client().Get(s.URL + "/users/1")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if b := viewtest.Parse(string(text)); err != nil || r.StatusCode != 200 || b.Retry == 0 {
			t.Errorf("got %s %q %v", r.Status, text, err)
		}
	}
	if n := log.count("neither Flush nor Unwrap"); n != 1 {
		t.Errorf("it is logged %d times:\n%s", n, &log.text)
	}
}
