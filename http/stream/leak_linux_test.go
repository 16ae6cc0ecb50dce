package stream

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

// ending is a way for all streams of a world to end.
type ending = func(*testing.T, *world, *httptest.Server, []*stream)

// However a stream ends, nothing of it stays: no descriptor, no goroutine.
func TestNothingStays(t *testing.T) {
	const streams = 60
	ways := map[string]struct {
		config Config
		path   string
		end    ending
	}{
		"clients close": {end: func(t *testing.T, w *world, s *httptest.Server, all []*stream) {
			for _, st := range all {
				_ = st.Close()
			}
			w.wait(t, "all closed", func(s Stats) bool { return s.Users == 0 })
		}},
		"clients reset": {end: func(t *testing.T, w *world, s *httptest.Server, all []*stream) {
			for _, st := range all {
				_ = st.Conn.(*net.TCPConn).SetLinger(0)
				_ = st.Close()
			}
			w.wait(t, "all reset", func(s Stats) bool { return s.Users == 0 })
		}},
		"life is over": {
			config: Config{UserLife: 500 * time.Millisecond},
			end: func(t *testing.T, w *world, s *httptest.Server, all []*stream) {
				toTheEnd(t, all)
			},
		},
		"slow": {
			config: Config{WriteTimeout: 300 * time.Millisecond}, path: "/schedules/s",
			end: func(t *testing.T, w *world, s *httptest.Server, all []*stream) {
				for w.hub.Stats().Slow < streams {
					w.happen(held("1", "s", make([]int, 100)...))
					time.Sleep(10 * time.Millisecond)
				}
			},
		},
		"slow, reading the log": {
			config: Config{Ring: 5, WriteTimeout: 300 * time.Millisecond}, path: "/schedules/s",
			end: func(t *testing.T, w *world, s *httptest.Server, all []*stream) {
				for range 100 {
					w.happen(held("1", "s", make([]int, 100)...))
				}
				for i, st := range all {
					_ = st.Close()
					all[i] = dial(t, s, "/schedules/s", epoch+"-0")
				}
				w.wait(t, "all are given up", func(s Stats) bool { return s.Slow >= streams })
			},
		},
		"drained": {end: func(t *testing.T, w *world, s *httptest.Server, all []*stream) {
			if err := w.hub.Drain(t.Context(), 100*time.Millisecond); err != nil {
				t.Error(err)
			}
			toTheEnd(t, all)
		}},
		"halted": {end: func(t *testing.T, w *world, s *httptest.Server, all []*stream) {
			w.hub.Halt("a difference")
			toTheEnd(t, all)
		}},
		"shed": {config: Config{MaxPerUser: 1}, end: func(t *testing.T, w *world, s *httptest.Server, all []*stream) {
			var shed []*stream
			for i := range all {
				shed = append(shed, dial(t, s, fmt.Sprintf("/users/%d", i), epoch+"-0"))
			}
			toTheEnd(t, shed)
		}},
		"closed with the hub, some unread": {path: "/schedules/s", end: func(t *testing.T, w *world, s *httptest.Server, all []*stream) {
			for range 30 {
				w.happen(held("1", "s", make([]int, 100)...))
			}
			w.hub.Close()
		}},
		"gone before they begin": {end: func(t *testing.T, w *world, s *httptest.Server, all []*stream) {
			for i := range all {
				c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(c, "GET /users/%d HTTP/1.1\r\nHost: x\r\nLast-Event-ID: %s-1\r\n\r\n", i, epoch)
				all = append(all, &stream{Conn: c})
			}
			w.wait(t, "all wait for event 1", func(s Stats) bool { return s.Users == 2*streams })
			for _, st := range all[streams:] {
				_ = st.Close()
			}
			w.wait(t, "they are gone", func(s Stats) bool { return s.Users == streams })
		}},
	}
	run := func(t *testing.T, name string) {
		t.Run(name, func(t *testing.T) {
			way := ways[name]
			w := newWorld(t, way.config)
			s := w.sockets(t)
			var all []*stream
			for i := range streams {
				path := way.path
				if path == "" {
					path = fmt.Sprintf("/users/%d", i)
				}
				all = append(all, dial(t, s, path, ""))
			}
			way.end(t, w, s, all)
			for _, st := range all {
				_ = st.Close()
			}
		})
	}
	run(t, "clients close") // so that what the runtime opens once is there
	before, running := descriptors(t), goleak.IgnoreCurrent()
	for name := range ways {
		run(t, name)
		for deadline := time.Now().Add(20 * time.Second); !maps.Equal(descriptors(t), before); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: before there were descriptors\n%v, now\n%v", name, before, descriptors(t))
			}
		}
		if err := goleak.Find(running); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// toTheEnd wants every stream to be ended by the server between two frames.
func toTheEnd(t *testing.T, all []*stream) {
	t.Helper()
	for _, st := range all {
		text, err := io.ReadAll(st.body)
		if end := string(text); err != nil || !strings.HasPrefix(end[strings.LastIndex(strings.TrimSuffix(end, "\n\n"), "\n")+1:], "retry: ") {
			t.Errorf("it ends with %q %v", text[max(0, len(text)-40):], err)
		}
		_ = st.Close()
	}
}

// descriptors are those of this process, by what they are: how many sockets, how many files.
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
