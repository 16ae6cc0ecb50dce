package sse

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// endFunc makes all streams end.
type endFunc = func(*testing.T, *fixture, *httptest.Server, []*stream)

const leakStreams = 60

// leakCases are the ways for streams to end.
var leakCases = map[string]struct {
	config Config
	path   string
	end    endFunc
}{
	"clients close": {end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
		for _, st := range all {
			_ = st.Close()
		}
		f.waitFor(t, "all closed", func(s stats) bool { return s.users == 0 })
	}},
	"clients reset": {end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
		for _, st := range all {
			_ = st.Conn.(*net.TCPConn).SetLinger(0)
			_ = st.Close()
		}
		f.waitFor(t, "all reset", func(s stats) bool { return s.users == 0 })
	}},
	"max age": {
		config: Config{UserMaxAge: 500 * time.Millisecond},
		end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
			readToEnd(t, all)
		},
	},
	"identity expires": {
		path: "/users/1?expires=1",
		end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
			readToEnd(t, all)
		},
	},
	"feeds close while they read the journal": {
		config: Config{Ring: 5, MaxCatchUps: 3}, path: "/feed?type=seats.*",
		end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
			for range 100 {
				f.emit(held("1", "s", make([]int, 500)...))
			}
			for _, st := range all {
				_ = st.Close()
			}
			f.waitFor(t, "all closed", func(s stats) bool { return s.feeds == 0 })
		},
	},
	"slow": {
		config: Config{WriteTimeout: 300 * time.Millisecond}, path: "/schedules/s",
		end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
			for f.hub.stats().slow < leakStreams {
				f.emit(held("1", "s", make([]int, 100)...))
				time.Sleep(10 * time.Millisecond)
			}
		},
	},
	"slow, reading the journal": {
		config: Config{Ring: 5, WriteTimeout: 300 * time.Millisecond}, path: "/schedules/s",
		end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
			for range 100 {
				f.emit(held("1", "s", make([]int, 100)...))
			}
			for i, st := range all {
				_ = st.Close()
				all[i] = dial(t, s, "/schedules/s", epoch+"-0")
			}
			f.waitFor(t, "all are disconnected", func(s stats) bool { return s.slow >= leakStreams })
		},
	},
	"drained": {end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
		if err := f.hub.Drain(t.Context(), 100*time.Millisecond); err != nil {
			t.Error(err)
		}
		readToEnd(t, all)
	}},
	"halted": {end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
		f.hub.Halt("a difference")
		readToEnd(t, all)
	}},
	"rejected": {config: Config{MaxPerUser: 1}, end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
		var rejected []*stream
		for i := range all {
			rejected = append(rejected, dial(t, s, fmt.Sprintf("/users/%d", i), epoch+"-0"))
		}
		readToEnd(t, rejected)
	}},
	"closed with the hub, some unread": {path: "/schedules/s", end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
		for range 30 {
			f.emit(held("1", "s", make([]int, 100)...))
		}
		f.hub.Close()
	}},
	"closed before they begin": {end: func(t *testing.T, f *fixture, s *httptest.Server, all []*stream) {
		for i := range all {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "GET /users/%d HTTP/1.1\r\nHost: x\r\nLast-Event-ID: %s-1\r\n\r\n", i, epoch)
			all = append(all, &stream{Conn: c})
		}
		f.waitFor(t, "all wait for event 1", func(s stats) bool { return s.users == 2*leakStreams })
		for _, st := range all[leakStreams:] {
			_ = st.Close()
		}
		f.waitFor(t, "they are closed", func(s stats) bool { return s.users == leakStreams })
	}},
}

// However a stream ends, it leaves no descriptor and no goroutine.
func TestStream_LeaksNothing(t *testing.T) {
	run := func(t *testing.T, name string) {
		t.Run(name, func(t *testing.T) {
			tc := leakCases[name]
			f := newFixture(t, tc.config)
			s := f.serveTCP(t)
			var all []*stream
			for i := range leakStreams {
				path := tc.path
				if path == "" {
					path = fmt.Sprintf("/users/%d", i)
				}
				all = append(all, dial(t, s, path, ""))
			}
			tc.end(t, f, s, all)
			for _, st := range all {
				_ = st.Close()
			}
		})
	}
	run(t, "clients close") // so that the runtime has opened what it opens once
	before, running := descriptors(t), goleak.IgnoreCurrent()
	for name := range leakCases {
		run(t, name)
		for deadline := time.Now().Add(20 * time.Second); !maps.Equal(descriptors(t), before); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: descriptors before\n%v, now\n%v", name, before, descriptors(t))
			}
		}
		if err := goleak.Find(running); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// readToEnd checks that the server ended every stream between two frames.
func readToEnd(t *testing.T, all []*stream) {
	t.Helper()
	for _, st := range all {
		text, err := io.ReadAll(st.body)
		if end := string(text); err != nil || !strings.HasPrefix(end[strings.LastIndex(strings.TrimSuffix(end, "\n"), "\n")+1:], "retry: ") {
			t.Errorf("it ends with %q %v", text[max(0, len(text)-40):], err)
		}
		_ = st.Close()
	}
}

// descriptors counts those of this process, by kind: sockets, files.
func descriptors(t *testing.T) map[string]int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	kinds := map[string]int{}
	for _, e := range entries {
		what, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil {
			continue // the one that read the directory
		}
		kind, _, _ := strings.Cut(what, ":[")
		kinds[kind]++
	}
	return kinds
}
