package stream

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// journal is a log that a test can read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) count(line string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), line)
}

// onRealSockets runs a test with streams served by goroutines of net/http, and by the engine with the system's poller.
func onRealSockets(t *testing.T, test func(t *testing.T)) {
	for _, path := range []string{"handler", "sockets"} {
		t.Run(path, test)
	}
}

// dialFrom opens a stream from an address of this host.
func dialFrom(t *testing.T, s *httptest.Server, from, path, id string) *stream {
	t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	st, err := ask(c, path, id)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// wait waits until the hub's figures are so.
func (w *world) wait(t *testing.T, what string, is func(Stats) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(w.hub.Stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %+v", what, w.hub.Stats())
		}
	}
}

// The one too many is told when to come back and nothing else, whether it was here before or not, and its connection ends.
// Whom the limit does not count is let in, and when one leaves there is room again.
func TestLimits(t *testing.T) {
	const me, other = "127.0.0.1", "127.0.0.2"
	for name, c := range map[string]struct {
		limits  Config
		exempt  [][2]string // from where, which path
		refused [][2]string
		count   func(Stats) uint64
	}{
		"in all": {
			limits:  Config{MaxStreams: 3, MaxPerUser: -1},
			refused: [][2]string{{me, "/users/1"}, {other, "/users/2"}, {me, "/schedules/s"}},
			count:   func(s Stats) uint64 { return s.ShedFull },
		},
		"of a user": {
			limits:  Config{MaxPerUser: 3},
			exempt:  [][2]string{{me, "/users/2"}, {me, "/schedules/1"}},
			refused: [][2]string{{me, "/users/1"}, {other, "/users/1"}, {me, "/users/1?lang=en"}},
			count:   func(s Stats) uint64 { return s.ShedUser },
		},
		"of an address": {
			limits:  Config{MaxPerAddress: 3},
			exempt:  [][2]string{{other, "/users/1"}, {other, "/schedules/s"}},
			refused: [][2]string{{me, "/users/1"}, {me, "/users/2"}, {me, "/schedules/s"}},
			count:   func(s Stats) uint64 { return s.ShedAddress },
		},
	} {
		t.Run(name, func(t *testing.T) {
			onRealSockets(t, func(t *testing.T) {
				var log journal
				c.limits.Log = slog.New(slog.NewTextHandler(&log, nil))
				w := newWorld(t, c.limits)
				s := w.sockets(t)
				var here []*stream
				for range 3 {
					here = append(here, dialFrom(t, s, me, "/users/1", ""))
					here[len(here)-1].greeted(t, "fresh", epoch+"-0")
				}
				for _, from := range c.exempt {
					st := dialFrom(t, s, from[0], from[1], "")
					st.greeted(t, "fresh", epoch+"-0")
					defer st.Close()
				}
				for _, from := range c.refused {
					for _, id := range []string{"", epoch + "-0"} {
						shed := dialFrom(t, s, from[0], from[1], id)
						text, err := io.ReadAll(shed.body)
						if err != nil || !regexp.MustCompile(`^retry: [2-5]\d{3}\n\n$`).Match(text) || shed.header.Get("Content-Type") != "text/event-stream" {
							t.Errorf("%v with id %q: %q %v %v", from, id, text, err, shed.header)
						}
						if n, err := shed.Read(make([]byte, 1)); err != io.EOF {
							t.Errorf("%v with id %q: the connection goes on with %d bytes and %v", from, id, n, err)
						}
						_ = shed.Close()
					}
				}
				got, shed := w.hub.Stats(), uint64(2*len(c.refused))
				if c.count(got) != shed || got.ShedFull+got.ShedUser+got.ShedAddress != shed || got.Shed != shed {
					t.Errorf("%d were turned away, and the figures are %+v", shed, got)
				}
				if n := log.count("too many streams"); n != 1 {
					t.Errorf("the log says so %d times in a minute", n)
				}

				_ = here[0].Close()
				w.wait(t, "one has left", func(s Stats) bool { return s.Users+s.Schedules == 2+len(c.exempt) })
				here[0] = dialFrom(t, s, me, "/users/1", epoch+"-0")
				here[0].greeted(t, "complete", epoch+"-0")
				w.happen(issued("1"))
				for _, st := range here {
					if e := st.mustNext(t); e.ID != epoch+"-1" {
						t.Errorf("got %+v", e)
					}
					_ = st.Close()
				}
			})
		})
	}
}

// The log hears of it once a minute, and of those since once more; nobody who is turned away for another reason is one of them.
func TestLimits_log(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		var log journal
		w := newWorld(t, Config{MaxPerUser: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
		s := w.serve()
		open := s.mustOpen(t, "/users/1", "")
		defer open.Close()
		go func() { _, _ = io.Copy(io.Discard, open.body) }()
		for i := range 10 * 60 {
			shed := s.mustOpen(t, "/users/1", "")
			_, _ = io.ReadAll(shed.body)
			_ = shed.Close()
			synctest.Wait()
			if n, want := log.count("too many streams"), i/60+1; n != want {
				t.Fatalf("after %d s the log says so %d times, want %d:\n%s", i, n, want, &log.text)
			}
			time.Sleep(time.Second)
		}
		w.hub.Halt("a difference")
		for i := range 3 {
			shed := s.mustOpen(t, fmt.Sprintf("/users/%d", i), "")
			_, _ = io.ReadAll(shed.body)
			_ = shed.Close()
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if n := log.count("too many streams"); n != 11 || log.count("maxPerUser=600 ") != 1 {
			t.Errorf("the log says so %d times, want 11:\n%s", n, &log.text)
		}
	})
}
